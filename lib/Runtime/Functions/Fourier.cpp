//===- Fourier.cpp - Discrete Fourier transforms in n log n ---------------===//
//
// A length is factored into 4, 2, 3, 5 and other primes; a pass per factor p does n/p transforms of length p
// (Temperton, "Self-sorting mixed-radix fast Fourier transforms", 1983; the passes and their order are those of
// FFTPACK, so that rounding is that of NumPy). Where a large prime is left, the transform is a convolution with a chirp
// (Bluestein 1970) of a length that is a power of two.
//
//===----------------------------------------------------------------------===//
#include "Functions.h"

#include "tenon/Plan/ElementType.h"

#include <algorithm>
#include <cmath>
#include <utility>

using tenon::ElementType;

namespace {

template <typename T>
struct Complex {
  T re, im;
};

template <typename T>
Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <typename T>
Complex<T> operator-(Complex<T> a, Complex<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <typename T>
Complex<T> operator*(Complex<T> a, T b) {
  return {a.re * b, a.im * b};
}
template <typename T>
Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
/// i a.
template <typename T>
Complex<T> turned(Complex<T> a) {
  return {-a.im, a.re};
}

/// e^(sign 2 pi i k / n) for 0 <= k < n.
template <typename T>
Complex<T> root(int64_t k, int64_t n, int sign) {
  const double angle = 2 * M_PI * double(k) / double(n);
  return {T(std::cos(angle)), T(sign * std::sin(angle))};
}

constexpr int64_t maxPrime = 64; ///< a pass of p costs p operations per element
constexpr unsigned maxFactors = 64;

/// sum over n of x[n] e^(sign 2 pi i k n / N), for N without prime factors above maxPrime.
template <typename T>
class Passes {
public:
  /// `memory`: `length` numbers for the roots, and as many for the passes.
  Passes(int64_t length, int sign, Complex<T> *memory)
      : length(length), sign(sign), roots(memory), other(memory + length) {
    for (int64_t k = 0; k < length; ++k)
      roots[k] = root<T>(k, length, sign);
    int64_t rest = length;
    for (; rest > 1 && rest % 4 == 0; rest /= 4)
      factors[numFactors++] = 4;
    for (int64_t p = 2; rest > 1; ++p)
      for (; rest % p == 0; rest /= p)
        factors[numFactors++] = p;
    if (length % 2 == 0) // FFTPACK begins with a single 2
      if (auto *two = std::find(factors, factors + numFactors, 2); two != factors + numFactors)
        std::swap(*two, factors[0]);
  }

  /// Transforms `x` in place.
  void run(Complex<T> *x) const {
    Complex<T> *from = x, *to = other;
    int64_t before = 1;
    for (unsigned f = 0; f < numFactors; ++f) {
      pass(factors[f], before, length / (before * factors[f]), from, to);
      std::swap(from, to);
      before *= factors[f];
    }
    if (from != x)
      std::copy_n(from, length, x);
  }

private:
  void pass(int64_t p, int64_t before, int64_t inner, const Complex<T> *from, Complex<T> *to) const;
  /// The transform of p numbers, in place.
  void transform(int64_t p, Complex<T> *a) const;

  const int64_t length;
  const int sign;
  Complex<T> *roots, *other;
  int64_t factors[maxFactors];
  unsigned numFactors = 0;
};

/// from [before, p, inner] to [p, before, inner].
template <typename T>
void Passes<T>::pass(int64_t p, int64_t before, int64_t inner, const Complex<T> *from, Complex<T> *to) const {
  Complex<T> a[maxPrime];
  for (int64_t k = 0; k < before; ++k)
    for (int64_t i = 0; i < inner; ++i) {
      for (int64_t j = 0; j < p; ++j)
        a[j] = from[i + inner * (j + p * k)];
      transform(p, a);
      for (int64_t j = 0; j < p; ++j)
        to[i + inner * (k + before * j)] = i * j == 0 ? a[j] : a[j] * roots[j * before * i];
    }
}

template <typename T>
void transform3(Complex<T> *a, Complex<T> w) {
  const Complex<T> sum = a[1] + a[2], difference = a[1] - a[2], even = a[0] + sum * w.re,
                   odd = turned(difference * w.im);
  a[0] = a[0] + sum;
  a[1] = even + odd;
  a[2] = even - odd;
}

template <typename T>
void transform4(Complex<T> *a, int sign) {
  const Complex<T> sum = a[0] + a[2], difference = a[0] - a[2], sum2 = a[1] + a[3];
  const Complex<T> odd = sign > 0 ? turned(a[1] - a[3]) : turned(a[3] - a[1]);
  a[0] = sum + sum2;
  a[2] = sum - sum2;
  a[1] = difference + odd;
  a[3] = difference - odd;
}

template <typename T>
void transform5(Complex<T> *a, Complex<T> w, Complex<T> w2) {
  const Complex<T> sum = a[1] + a[4], difference = a[1] - a[4], sum2 = a[2] + a[3], difference2 = a[2] - a[3];
  const Complex<T> even = a[0] + sum * w.re + sum2 * w2.re, even2 = a[0] + sum * w2.re + sum2 * w.re;
  const Complex<T> odd = turned(difference * w.im + difference2 * w2.im),
                   odd2 = turned(difference * w2.im - difference2 * w.im);
  a[0] = a[0] + sum + sum2;
  a[1] = even + odd;
  a[4] = even - odd;
  a[2] = even2 + odd2;
  a[3] = even2 - odd2;
}

template <typename T>
void Passes<T>::transform(int64_t p, Complex<T> *a) const {
  if (p == 2) {
    const Complex<T> first = a[0];
    a[0] = first + a[1];
    a[1] = first - a[1];
    return;
  }
  const int64_t step = length / p;
  if (p == 3)
    return transform3(a, roots[step]);
  if (p == 4)
    return transform4(a, sign);
  if (p == 5)
    return transform5(a, roots[step], roots[2 * step]);
  Complex<T> sums[maxPrime];
  for (int64_t m = 0; m < p; ++m) {
    sums[m] = a[0];
    for (int64_t j = 1; j < p; ++j)
      sums[m] = sums[m] + a[j] * roots[j * m % p * step];
  }
  std::copy_n(sums, p, a);
}

/// By a convolution with e^(sign pi i n^2 / N), which `kernel` holds transformed.
template <typename T>
class Chirp {
public:
  static int64_t paddedLength(int64_t length) {
    int64_t padded = 1;
    while (padded < 2 * length - 1)
      padded *= 2;
    return padded;
  }

  /// `memory`: `length` numbers, and four times the padded length.
  Chirp(int64_t length, int sign, Complex<T> *memory)
      : length(length), padded(paddedLength(length)), chirp(memory), kernel(memory + length), work(kernel + padded),
        passes(padded, -1, work + padded) {
    std::fill_n(kernel, padded, Complex<T>{0, 0});
    for (int64_t n = 0; n < length; ++n) {
      chirp[n] = root<T>(n * n % (2 * length), 2 * length, sign);
      const Complex<T> conjugate = {chirp[n].re, -chirp[n].im};
      kernel[n] = conjugate;
      kernel[(padded - n) % padded] = conjugate;
    }
    passes.run(kernel);
  }

  void run(Complex<T> *x) const {
    std::fill_n(work, padded, Complex<T>{0, 0});
    for (int64_t n = 0; n < length; ++n)
      work[n] = x[n] * chirp[n];
    passes.run(work);
    // The inverse transform is the transform of the conjugate, conjugated.
    for (int64_t n = 0; n < padded; ++n) {
      const Complex<T> product = work[n] * kernel[n];
      work[n] = {product.re, -product.im};
    }
    passes.run(work);
    for (int64_t n = 0; n < length; ++n)
      x[n] = Complex<T>{work[n].re, -work[n].im} * (T(1) / T(padded)) * chirp[n];
  }

private:
  const int64_t length, padded;
  Complex<T> *chirp, *kernel, *work;
  const Passes<T> passes;
};

bool hasLargePrime(int64_t length) {
  for (int64_t p = 2; p <= maxPrime && length > 1; ++p)
    while (length % p == 0)
      length /= p;
  return length > 1;
}

/// Rows of x and y, as `params` say.
template <typename T>
struct Rows {
  Rows(void *const *buffers, const int64_t *params)
      : x(static_cast<const T *>(buffers[0])), y(static_cast<T *>(buffers[1])), extent(params[0]), inner(params[1]),
        length(params[2]), results(params[3]), parts(params[4]), resultParts(params[5]), isInverse(params[6] != 0) {}

  void load(int64_t group, Complex<T> *row) const;
  void store(int64_t group, const Complex<T> *row) const;

  const T *x;
  T *y;
  int64_t extent, inner, length, results, parts, resultParts;
  bool isInverse;
};

/// Makes the second half the conjugate of the first, as that of a real signal is.
template <typename T>
void mirror(Complex<T> *row, int64_t length) {
  row[0].im = 0;
  for (int64_t n = 1; 2 * n < length; ++n)
    row[length - n] = {row[n].re, -row[n].im};
  if (length % 2 == 0)
    row[length / 2].im = 0;
}

/// Of a real result, what is given is one half of the transform and the other half its conjugate.
template <typename T>
void Rows<T>::load(int64_t group, Complex<T> *row) const {
  const int64_t first = group / inner * extent * inner + group % inner;
  const bool isHalf = resultParts == 1;
  const int64_t used = std::min(extent, isHalf ? length / 2 + 1 : length);
  std::fill_n(row, length, Complex<T>{0, 0});
  for (int64_t n = 0; n < used; ++n) {
    const T *element = x + (first + n * inner) * parts;
    row[n] = {element[0], parts == 2 ? element[1] : T(0)};
  }
  if (isHalf)
    mirror(row, length);
}

template <typename T>
void Rows<T>::store(int64_t group, const Complex<T> *row) const {
  const int64_t first = group / inner * results * inner + group % inner;
  const T scale = isInverse ? T(1.0 / double(length)) : T(1);
  for (int64_t k = 0; k < results; ++k) {
    T *element = y + (first + k * inner) * resultParts;
    element[0] = row[k].re * scale;
    if (resultParts == 2)
      element[1] = row[k].im * scale;
  }
}

template <typename T>
void runRows(const Rows<T> &rows, int64_t begin, int64_t end, Complex<T> *memory) {
  const int sign = rows.isInverse ? 1 : -1;
  auto each = [&](const auto &transform) {
    for (int64_t group = begin; group < end; ++group) {
      rows.load(group, memory);
      transform.run(memory);
      if (rows.parts == 1)
        mirror(memory, rows.length); // whatever was rounded
      rows.store(group, memory);
    }
  };
  if (hasLargePrime(rows.length))
    each(Chirp<T>(rows.length, sign, memory + rows.length));
  else
    each(Passes<T>(rows.length, sign, memory + rows.length));
}

} // namespace

void tenon_fourier(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  if (begin >= end)
    return;
  if (ElementType(params[7]) == ElementType::F64)
    runRows(Rows<double>(buffers, params), begin, end, static_cast<Complex<double> *>(scratch));
  else
    runRows(Rows<float>(buffers, params), begin, end, static_cast<Complex<float> *>(scratch));
}
