//===- warp.cuh - Shuffles, votes and reductions of a warp ----------------===//
//
// Every function is called by all lanes of `mask` together (all lanes that exist, by default). Shuffles take any
// trivially copyable T. Reductions leave the result in every lane.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_WARP_CUH
#define TENON_CUDA_WARP_CUH

#include "tenon/cuda/base.cuh"

namespace tenon::device {

/// Waits for the lanes of `mask` and orders their shared-memory accesses. PTX: bar.warp.sync, from sm_70.
TENON_DEVICE void syncWarp(unsigned mask = kFullMask) { __syncwarp(mask); }

namespace detail {
/// Applies `shuffle` (a function of one unsigned) to each 32-bit word of `value`.
template <class T, class F>
TENON_DEVICE T byWords(T value, F shuffle) {
  constexpr int words = (sizeof(T) + 3) / 4;
  uint32_t raw[words] = {};
  copyBytes(raw, &value, sizeof(T));
#pragma unroll
  for (int i = 0; i < words; ++i)
    raw[i] = shuffle(raw[i]);
  copyBytes(&value, raw, sizeof(T));
  return value;
}
} // namespace detail

/// The value of lane `source`. PTX: shfl.sync.idx.b32 per 32-bit word, from sm_30.
template <class T>
TENON_DEVICE T shuffle(T value, int source, unsigned mask = kFullMask) {
#if TENON_GPU
  return detail::byWords(value, [&](uint32_t word) { return __shfl_sync(mask, word, source); });
#else
  return __shfl_sync(mask, value, source);
#endif
}
/// The value of lane (own ^ laneMask). PTX: shfl.sync.bfly.b32.
template <class T>
TENON_DEVICE T shuffleXor(T value, int laneMask, unsigned mask = kFullMask) {
#if TENON_GPU
  return detail::byWords(value, [&](uint32_t word) { return __shfl_xor_sync(mask, word, laneMask); });
#else
  return __shfl_xor_sync(mask, value, laneMask);
#endif
}
/// The value of lane (own + delta), own value beyond the last lane. PTX: shfl.sync.down.b32.
template <class T>
TENON_DEVICE T shuffleDown(T value, unsigned delta, unsigned mask = kFullMask) {
#if TENON_GPU
  return detail::byWords(value, [&](uint32_t word) { return __shfl_down_sync(mask, word, delta); });
#else
  return __shfl_down_sync(mask, value, delta);
#endif
}
/// The value of lane (own - delta), own value before the first lane. PTX: shfl.sync.up.b32.
template <class T>
TENON_DEVICE T shuffleUp(T value, unsigned delta, unsigned mask = kFullMask) {
#if TENON_GPU
  return detail::byWords(value, [&](uint32_t word) { return __shfl_up_sync(mask, word, delta); });
#else
  return __shfl_up_sync(mask, value, delta);
#endif
}

/// One bit per lane of `mask` whose predicate holds. PTX: vote.sync.ballot.b32.
TENON_DEVICE unsigned laneBallot(bool predicate, unsigned mask = kFullMask) { return __ballot_sync(mask, predicate); }
/// Whether the predicate holds in some, or in every, lane of `mask`. PTX: vote.sync.any / vote.sync.all.
TENON_DEVICE bool anyLane(bool predicate, unsigned mask = kFullMask) { return __any_sync(mask, predicate); }
TENON_DEVICE bool allLanes(bool predicate, unsigned mask = kFullMask) { return __all_sync(mask, predicate); }

// ---- reductions
// -------------------------------------------------------------------------------------------------------

struct Sum {
  template <class T>
  TENON_DEVICE T operator()(T a, T b) const {
    return T(a + b);
  }
};
struct Product {
  template <class T>
  TENON_DEVICE T operator()(T a, T b) const {
    return T(a * b);
  }
};
/// A NaN wins: it must not vanish in a maximum.
struct Max {
  template <class T>
  TENON_DEVICE T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class T>
  TENON_DEVICE T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

/// Combines `value` over groups of `Width` neighbouring lanes (a power of two, 32: the whole warp) by a butterfly of
/// shuffles; `op` is commutative and associative up to rounding. All 32 lanes call it. Every lane of a group gets the
/// same bits.
template <int Width = 32, class T, class Op>
TENON_DEVICE T warpReduce(T value, Op op) {
  static_assert(Width > 0 && Width <= 32 && (Width & (Width - 1)) == 0, "Width is a power of two up to 32");
#pragma unroll
  for (int step = Width / 2; step > 0; step /= 2)
    value = op(value, shuffleXor(value, step));
  return value;
}
template <class T>
TENON_DEVICE T warpSum(T value) {
  return warpReduce(value, Sum());
}
template <class T>
TENON_DEVICE T warpMax(T value) {
  return warpReduce(value, Max());
}
template <class T>
TENON_DEVICE T warpMin(T value) {
  return warpReduce(value, Min());
}
template <class T>
TENON_DEVICE T warpProduct(T value) {
  return warpReduce(value, Product());
}

} // namespace tenon::device

#endif // TENON_CUDA_WARP_CUH
