//===- base.cuh - Names every device header builds on ---------------------===//
//
// Compiled three ways: by nvcc, by NVRTC (no include path but ours), and by a host compiler against the virtual GPU.
// TENON_GPU is 1 in the first two. Uses no header of the CUDA toolkit and no STL: a kernel compiles in tens of
// milliseconds.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_BASE_CUH
#define TENON_CUDA_BASE_CUH

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define TENON_GPU 1
/// A function that kernels call; always inlined.
#define TENON_DEVICE __device__ __forceinline__
/// Names the block's dynamic shared memory `name`, an unsigned char pointer aligned to 1024 bytes (what 128-byte
/// swizzles need).
#define TENON_DYNAMIC_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]
/// After an `extern "C" __global__` function: makes it launchable on the virtual GPU, as `name_vgpu(void **args)` with
/// cuLaunchKernel's convention (args[i] points to the i-th argument). Nothing on a GPU.
#define TENON_KERNEL(name) static_assert(true, "")
#else
#define TENON_GPU 0
#include "tenon/cuda/host_cuda.cuh"
#define TENON_DEVICE inline __attribute__((always_inline))
#define TENON_DYNAMIC_SHARED(name) unsigned char *name = ::tenon::vgpu::self()->dynamicShared
#define TENON_KERNEL(name)                                                                                             \
  extern "C" __attribute__((visibility("default"))) void name##_vgpu(void **args) {                                    \
    ::tenon::vgpu::invoke(name, args);                                                                                 \
  }                                                                                                                    \
  static_assert(true, "")
#endif

namespace tenon::device {

using int8_t = signed char;
using uint8_t = unsigned char;
using int16_t = short;
using uint16_t = unsigned short;
using int32_t = int;
using uint32_t = unsigned;
using int64_t = long; // as <cstdint> on 64-bit Linux, so that both may be visible
using uint64_t = unsigned long;

inline constexpr unsigned kWarpSize = 32;
inline constexpr unsigned kFullMask = 0xffffffffu;

/// memcpy by its builtin: NVRTC has it under the plain name only, and on the host nothing declares that.
TENON_DEVICE void copyBytes(void *target, const void *source, unsigned long bytes) {
#if TENON_GPU
  memcpy(target, source, bytes);
#else
  __builtin_memcpy(target, source, bytes);
#endif
}

/// The same bytes as another type of the same size.
template <class To, class From>
TENON_DEVICE To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "bitCast keeps the size");
  To to;
  copyBytes(&to, &from, sizeof(To));
  return to;
}

/// The 32-bit address in the shared window that PTX instructions take; `pointer` must point into shared memory.
/// PTX: cvta.to.shared.u64. Any architecture.
TENON_DEVICE uint32_t sharedAddress(const void *pointer) {
#if TENON_GPU
  uint32_t address;
  asm("{ .reg .u64 wide; cvta.to.shared.u64 wide, %1; cvt.u32.u64 %0, wide; }" : "=r"(address) : "l"(pointer));
  return address;
#else
  return vgpu::table().sharedAddress(pointer);
#endif
}

/// The thread's number in its block: x fastest, then y, then z.
TENON_DEVICE unsigned linearThread() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
/// How many threads the block has.
TENON_DEVICE unsigned blockThreads() { return blockDim.x * blockDim.y * blockDim.z; }
/// The thread's lane, 0 to 31.
TENON_DEVICE unsigned laneIndex() { return linearThread() % kWarpSize; }
/// The warp's number in its block.
TENON_DEVICE unsigned warpIndex() { return linearThread() / kWarpSize; }

/// Ends the launch with an error where `condition` is false: an explanation on the virtual GPU, a trap on a GPU. For
/// what a caller of a device function must keep.
TENON_DEVICE void require(bool condition, const char *what) {
#if TENON_GPU
  if (!condition)
    asm volatile("trap;");
#else
  if (!condition)
    vgpu::table().violation(what);
#endif
}

} // namespace tenon::device

#endif // TENON_CUDA_BASE_CUH
