//===- async.cuh - cp.async: copies from global to shared memory ----------===//
//
// A thread issues copies, commits them as a group, and waits until at most N of its groups are in flight. What it
// copied is visible to itself after the wait, to other threads after a barrier that follows. From sm_80.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_ASYNC_CUH
#define TENON_CUDA_ASYNC_CUH

#include "tenon/cuda/base.cuh"

namespace tenon::device {

/// Copies the first `valid` (0 to Bytes) of Bytes (4, 8 or 16) bytes and fills the rest with zeros; with valid = 0,
/// `global` is not read. Both addresses are aligned to Bytes.
/// PTX: cp.async.ca.shared.global (4, 8), cp.async.cg.shared.global (16: past L1).
template <int Bytes>
TENON_DEVICE void copyAsyncZeroFill(void *shared, const void *global, unsigned valid) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async moves 4, 8 or 16 bytes");
#if TENON_GPU
  uint64_t source;
  asm("cvta.to.global.u64 %0, %1;" : "=l"(source) : "l"(global));
  if constexpr (Bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)), "l"(source), "r"(valid)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(sharedAddress(shared)), "l"(source), "n"(Bytes),
                 "r"(valid)
                 : "memory");
#else
  vgpu::table().copyAsync(shared, global, Bytes, valid);
#endif
}

/// Copies Bytes bytes.
template <int Bytes>
TENON_DEVICE void copyAsync(void *shared, const void *global) {
  copyAsyncZeroFill<Bytes>(shared, global, Bytes);
}

/// Makes one group, possibly empty, of the thread's copies since the last commit. PTX: cp.async.commit_group.
TENON_DEVICE void commitAsync() {
#if TENON_GPU
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  vgpu::table().copyAsyncCommit();
#endif
}

/// Waits until at most InFlight of the thread's latest groups are incomplete. PTX: cp.async.wait_group.
template <int InFlight>
TENON_DEVICE void waitAsync() {
#if TENON_GPU
  asm volatile("cp.async.wait_group %0;" ::"n"(InFlight) : "memory");
#else
  vgpu::table().copyAsyncWait(InFlight);
#endif
}

} // namespace tenon::device

#endif // TENON_CUDA_ASYNC_CUH
