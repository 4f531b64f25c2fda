//===- block.cuh - Barriers and reductions of a block ---------------------===//
#ifndef TENON_CUDA_BLOCK_CUH
#define TENON_CUDA_BLOCK_CUH

#include "tenon/cuda/warp.cuh"

namespace tenon::device {

/// Waits until `threads` threads (a multiple of 32) have arrived at barrier `id` (1 to 15; 0 is __syncthreads'), and
/// orders their memory accesses. All participants name the same count. PTX: bar.sync id, threads. Any architecture.
TENON_DEVICE void barrierSync(unsigned id, unsigned threads) {
#if TENON_GPU
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
  vgpu::table().barrier(id, threads, false, 0);
#endif
}

/// Counts the thread at barrier `id` without waiting; `threads` includes those that wait.
/// PTX: bar.arrive id, threads. Any architecture.
TENON_DEVICE void barrierArrive(unsigned id, unsigned threads) {
#if TENON_GPU
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
#else
  vgpu::table().barrier(id, threads, true, 0);
#endif
}

/// Combines `value` over all threads of the block; every thread gets the same bits. Called by all threads, a multiple
/// of 32. Uses 32 * sizeof(T) bytes of static shared memory and two barriers; may be called again at once.
template <class T, class Op>
TENON_DEVICE T blockReduce(T value, Op op) {
  __shared__ T partial[32];
  unsigned warps = blockThreads() / kWarpSize, lane = laneIndex();
  require(blockThreads() % kWarpSize == 0, "blockReduce needs a multiple of 32 threads");
  value = warpReduce(value, op);
  if (lane == 0)
    partial[warpIndex()] = value;
  __syncthreads();
  // All warps do the second step, so that no broadcast is needed. No identity either: lanes beyond the warps are
  // skipped, not filled.
  value = partial[lane < warps ? lane : 0];
#pragma unroll
  for (unsigned step = 16; step > 0; step /= 2) {
    T other = shuffleDown(value, step);
    if (lane + step < warps)
      value = op(value, other);
  }
  value = shuffle(value, 0);
  __syncthreads();
  return value;
}
template <class T>
TENON_DEVICE T blockSum(T value) {
  return blockReduce(value, Sum());
}
template <class T>
TENON_DEVICE T blockMax(T value) {
  return blockReduce(value, Max());
}
template <class T>
TENON_DEVICE T blockMin(T value) {
  return blockReduce(value, Min());
}
template <class T>
TENON_DEVICE T blockProduct(T value) {
  return blockReduce(value, Product());
}

} // namespace tenon::device

#endif // TENON_CUDA_BLOCK_CUH
