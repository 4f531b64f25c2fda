// 16-bit floating point, and vectors.
#include "tenon/cuda/half.cuh"
#include "tenon/cuda/vector.cuh"

using namespace tenon::device;

/// Every bit pattern: to float and back, and its negation.
template <class T>
__device__ void roundTrip(float *values, unsigned short *back, unsigned short *negated) {
  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  T element = T::fromBits(static_cast<uint16_t>(i));
  values[i] = static_cast<float>(element);
  back[i] = T(values[i]).bits;
  negated[i] = (-element).bits;
}
extern "C" __global__ void roundTripHalf(float *values, unsigned short *back, unsigned short *negated) {
  roundTrip<half>(values, back, negated);
}
extern "C" __global__ void roundTripBfloat16(float *values, unsigned short *back, unsigned short *negated) {
  roundTrip<bfloat16>(values, back, negated);
}
TENON_KERNEL(roundTripHalf);
TENON_KERNEL(roundTripBfloat16);

/// out[8][n]: +, -, *, /, and the pairs' fma, add, multiply, max of a pair (x, y) with itself turned round.
template <class T>
__device__ void arithmetic(const float *x, const float *y, float *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  T a(x[i]), b(y[i]);
  out[i] = float(a + b);
  out[n + i] = float(a - b);
  out[2 * n + i] = float(a * b);
  out[3 * n + i] = float(a / b);
  using Pair = typename PairOf<T>::type;
  Pair p = packPair<Pair>(x[i], y[i]), q = packPair<Pair>(y[i], 1.0f);
  FloatPair r = unpackPair(fmaPair(p, q, p));
  out[4 * n + i] = r.x;
  out[5 * n + i] = unpackPair(addPair(p, q)).x;
  out[6 * n + i] = unpackPair(mulPair(p, q)).x;
  out[7 * n + i] = unpackPair(maxPair(p, q)).x;
}
extern "C" __global__ void arithmeticHalf(const float *x, const float *y, float *out, int n) {
  arithmetic<half>(x, y, out, n);
}
extern "C" __global__ void arithmeticBfloat16(const float *x, const float *y, float *out, int n) {
  arithmetic<bfloat16>(x, y, out, n);
}
TENON_KERNEL(arithmeticHalf);
TENON_KERNEL(arithmeticBfloat16);

/// y = 2 x + 1 in vectors of N elements, with a scalar tail.
template <class T, int N>
__device__ void scaleVector(const T *x, T *y, long long n) {
  long long i = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * N;
  if (i + N <= n) {
    Vector<T, N> v = loadVectorReadOnly<N>(x + i);
#pragma unroll
    for (int k = 0; k < N; ++k)
      v[k] = T(2.0f * static_cast<float>(v[k]) + 1.0f);
    storeVector(y + i, v);
  } else {
    for (; i < n; ++i)
      y[i] = T(2.0f * static_cast<float>(x[i]) + 1.0f);
  }
}
extern "C" __global__ void scaleFloat4(const float *x, float *y, long long n) { scaleVector<float, 4>(x, y, n); }
extern "C" __global__ void scaleFloat2(const float *x, float *y, long long n) { scaleVector<float, 2>(x, y, n); }
extern "C" __global__ void scaleHalf8(const half *x, half *y, long long n) { scaleVector<half, 8>(x, y, n); }
extern "C" __global__ void scaleHalf2(const half *x, half *y, long long n) { scaleVector<half, 2>(x, y, n); }
extern "C" __global__ void scaleFloat8(const float *x, float *y, long long n) { scaleVector<float, 8>(x, y, n); }
TENON_KERNEL(scaleFloat4);
TENON_KERNEL(scaleFloat2);
TENON_KERNEL(scaleHalf8);
TENON_KERNEL(scaleHalf2);
TENON_KERNEL(scaleFloat8);
