//===- kernel.cuh - What generated kernels are written with ---------------===//
//
// The vocabulary of the kernel printer beyond C++: everything a generated kernel calls is here or in what this
// includes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_KERNEL_CUH
#define TENON_CUDA_KERNEL_CUH

#include "tenon/cuda/block.cuh"
#include "tenon/cuda/half.cuh"
#include "tenon/cuda/vector.cuh"

namespace tenon::device {

TENON_DEVICE float infinity() { return bitCast<float>(0x7f800000u); }
TENON_DEVICE float notANumber() { return bitCast<float>(0x7fc00000u); }

template <class T>
TENON_DEVICE bool isNaN(T x) {
  return x != x;
}
/// The larger (smaller) of two numbers; NaN if one of them is.
template <class T>
TENON_DEVICE T maximum(T a, T b) {
  return a > b || a != a ? a : b;
}
template <class T>
TENON_DEVICE T minimum(T a, T b) {
  return a < b || a != a ? a : b;
}

/// a / b, rounded to minus (plus) infinity.
template <class T>
TENON_DEVICE T floorDiv(T a, T b) {
  T quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? T(quotient - 1) : quotient;
}
template <class T>
TENON_DEVICE T ceilDiv(T a, T b) {
  T quotient = a / b;
  return a % b != 0 && (a < 0) == (b < 0) ? T(quotient + 1) : quotient;
}

/// N times `value`.
template <class T, int N>
TENON_DEVICE Vector<T, N> splat(T value) {
  Vector<T, N> result;
#pragma unroll
  for (int i = 0; i < N; ++i)
    result[i] = value;
  return result;
}

/// N elements from an address that is aligned to one of them.
template <int N, class T>
TENON_DEVICE Vector<T, N> loadElements(const T *source) {
  Vector<T, N> result;
#pragma unroll
  for (int i = 0; i < N; ++i)
    result[i] = source[i];
  return result;
}
template <class T, int N>
TENON_DEVICE void storeElements(T *target, const Vector<T, N> &value) {
#pragma unroll
  for (int i = 0; i < N; ++i)
    target[i] = value[i];
}

/// source[offsets[0]], source[offsets[1]], ..
template <class T, class Index, int N>
TENON_DEVICE Vector<T, N> gatherElements(const T *source, const Vector<Index, N> &offsets) {
  Vector<T, N> result;
#pragma unroll
  for (int i = 0; i < N; ++i)
    result[i] = source[offsets[i]];
  return result;
}

} // namespace tenon::device

#endif // TENON_CUDA_KERNEL_CUH
