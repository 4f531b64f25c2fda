//===- Determinant.cpp - Determinants by elimination ----------------------===//
#include "Functions.h"

#include "tenon/Plan/ElementType.h"

#include <cmath>
#include <utility>

using tenon::ElementType;

/// Of the m x m matrix `a`, which it overwrites.
static double eliminate(double *a, int64_t m) {
  double product = 1;
  for (int64_t column = 0; column < m; ++column) {
    int64_t pivot = column;
    for (int64_t row = column + 1; row < m; ++row)
      if (std::abs(a[row * m + column]) > std::abs(a[pivot * m + column]))
        pivot = row;
    const double largest = a[pivot * m + column];
    if (largest == 0)
      return 0;
    if (pivot != column) {
      product = -product;
      for (int64_t k = column; k < m; ++k)
        std::swap(a[pivot * m + k], a[column * m + k]);
    }
    product *= largest;
    for (int64_t row = column + 1; row < m; ++row) {
      const double factor = a[row * m + column] / largest;
      for (int64_t k = column + 1; k < m; ++k)
        a[row * m + k] -= factor * a[column * m + k];
    }
  }
  return product;
}

template <typename T>
static void run(const T *x, T *y, int64_t m, int64_t begin, int64_t end, double *scratch) {
  for (int64_t group = begin; group < end; ++group) {
    for (int64_t i = 0; i < m * m; ++i)
      scratch[i] = double(x[group * m * m + i]);
    y[group] = T(eliminate(scratch, m));
  }
}

void tenon_determinant(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch) {
  auto *a = static_cast<double *>(scratch);
  if (ElementType(params[1]) == ElementType::F64)
    run(static_cast<const double *>(buffers[0]), static_cast<double *>(buffers[1]), params[0], begin, end, a);
  else
    run(static_cast<const float *>(buffers[0]), static_cast<float *>(buffers[1]), params[0], begin, end, a);
}
