//===- mbarrier.cuh - Barriers in shared memory ---------------------------===//
//
// An mbarrier counts arrivals and bytes of asynchronous copies. Its phases have parity 0, 1, 0, ...: a phase ends when
// as many threads have arrived as init() said and all expected bytes are there. Waiting for parity P returns once the
// phase of that parity has ended; on a fresh barrier, parity 1 is therefore over at once.
//
// One thread initialises; fenceMbarrierInit() and __syncthreads() make that visible to others and to TMA. From sm_90
// where no other architecture is named.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_MBARRIER_CUH
#define TENON_CUDA_MBARRIER_CUH

#include "tenon/cuda/base.cuh"

namespace tenon::device {

/// The opaque 64-bit word; lies in shared memory.
struct alignas(8) Mbarrier {
  unsigned long long state;
};

namespace detail {
#if !TENON_GPU
TENON_DEVICE unsigned emulateMbarrier(vgpu::MbarrierOp op, Mbarrier *barrier, unsigned value) {
  return vgpu::table().mbarrier(op, &barrier->state, value);
}
#endif
} // namespace detail

/// Every phase expects `arrivals` (1 to 2^20 - 1) arrivals. PTX: mbarrier.init.shared::cta.b64, from sm_80.
TENON_DEVICE void mbarrierInit(Mbarrier *barrier, unsigned arrivals) {
#if TENON_GPU
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(arrivals) : "memory");
#else
  detail::emulateMbarrier(vgpu::MbarrierOp::Init, barrier, arrivals);
#endif
}
/// The word may be used for other data afterwards. PTX: mbarrier.inval.shared::cta.b64, from sm_80.
TENON_DEVICE void mbarrierInvalidate(Mbarrier *barrier) {
#if TENON_GPU
  asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(sharedAddress(barrier)) : "memory");
#else
  detail::emulateMbarrier(vgpu::MbarrierOp::Invalidate, barrier, 0);
#endif
}
/// Makes initialisations visible to the asynchronous proxy. PTX: fence.mbarrier_init.release.cluster.
TENON_DEVICE void fenceMbarrierInit() {
#if TENON_GPU
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#else
  vgpu::table().fence(vgpu::FenceKind::MbarrierInit);
#endif
}

/// One arrival. PTX: mbarrier.arrive.shared::cta.b64, from sm_80.
TENON_DEVICE void mbarrierArrive(Mbarrier *barrier) {
#if TENON_GPU
  asm volatile("{ .reg .b64 token; mbarrier.arrive.shared::cta.b64 token, [%0]; }" ::"r"(sharedAddress(barrier))
               : "memory");
#else
  detail::emulateMbarrier(vgpu::MbarrierOp::Arrive, barrier, 0);
#endif
}
/// One arrival; the phase also waits for `bytes` (below 2^20) more bytes. PTX: mbarrier.arrive.expect_tx.
TENON_DEVICE void mbarrierArriveExpectBytes(Mbarrier *barrier, unsigned bytes) {
#if TENON_GPU
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes)
               : "memory");
#else
  detail::emulateMbarrier(vgpu::MbarrierOp::ArriveExpectTx, barrier, bytes);
#endif
}
/// The phase also waits for `bytes` more bytes. PTX: mbarrier.expect_tx.
TENON_DEVICE void mbarrierExpectBytes(Mbarrier *barrier, unsigned bytes) {
#if TENON_GPU
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes)
               : "memory");
#else
  detail::emulateMbarrier(vgpu::MbarrierOp::ExpectTx, barrier, bytes);
#endif
}

/// Whether the phase of `parity` has ended; may suspend the thread for a while. PTX: mbarrier.try_wait.parity.
TENON_DEVICE bool mbarrierTryWait(Mbarrier *barrier, unsigned parity) {
#if TENON_GPU
  unsigned done;
  asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
               : "=r"(done)
               : "r"(sharedAddress(barrier)), "r"(parity)
               : "memory");
  return done;
#else
  return detail::emulateMbarrier(vgpu::MbarrierOp::TryWait, barrier, parity);
#endif
}
/// Whether the phase of `parity` has ended, at once. PTX: mbarrier.test_wait.parity, from sm_80.
TENON_DEVICE bool mbarrierTestWait(Mbarrier *barrier, unsigned parity) {
#if TENON_GPU
  unsigned done;
  asm volatile("{ .reg .pred p; mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
               : "=r"(done)
               : "r"(sharedAddress(barrier)), "r"(parity)
               : "memory");
  return done;
#else
  return detail::emulateMbarrier(vgpu::MbarrierOp::TestWait, barrier, parity);
#endif
}
/// Waits until the phase of `parity` has ended, and acquires what was written before.
TENON_DEVICE void mbarrierWait(Mbarrier *barrier, unsigned parity) {
  while (!mbarrierTryWait(barrier, parity)) {
  }
}

/// Makes this thread's ordinary writes to shared memory visible to TMA stores and wgmma, which read through another
/// proxy. Then a barrier tells the thread that issues them. PTX: fence.proxy.async.shared::cta.
TENON_DEVICE void fenceProxyAsync() {
#if TENON_GPU
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  vgpu::table().fence(vgpu::FenceKind::ProxyAsync);
#endif
}

} // namespace tenon::device

#endif // TENON_CUDA_MBARRIER_CUH
