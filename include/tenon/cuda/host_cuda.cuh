//===- host_cuda.cuh - The CUDA dialect, for a host compiler --------------===//
//
// Host only; base.cuh includes it. Keywords, built-in variables, vector types, warp and block intrinsics, atomics and
// the mathematical functions that CUDA C++ declares without an include. No header of the C library: declarations
// match glibc's, so both may be seen.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_HOST_CUDA_CUH
#define TENON_CUDA_HOST_CUDA_CUH

#include "tenon/cuda/emulator_abi.cuh"
#include "tenon/cuda/host_math.cuh"

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
// One OS thread runs one block at a time. The emulator finds the object's thread-local segment and fills it with NaN.
#define __shared__ static thread_local

#define threadIdx (::tenon::vgpu::self()->threadIdx)
#define blockIdx (::tenon::vgpu::self()->blockIdx)
#define blockDim (::tenon::vgpu::self()->blockDim)
#define gridDim (::tenon::vgpu::self()->gridDim)
#define warpSize 32

using uint3 = tenon::vgpu::Index3;
using size_t = decltype(sizeof(0));

// ---- vector types
// -----------------------------------------------------------------------------------------------------

#define TENON_HOST_VECTORS(scalar, prefix)                                                                             \
  struct __align__(2 * sizeof(scalar)) prefix##2 { scalar x, y; };                                                     \
  struct __align__(4 * sizeof(scalar) < 16 ? 4 * sizeof(scalar) : 16) prefix##4 { scalar x, y, z, w; };                \
  inline prefix##2 make_##prefix##2(scalar x, scalar y) { return {x, y}; }                                             \
  inline prefix##4 make_##prefix##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }
TENON_HOST_VECTORS(signed char, char)
TENON_HOST_VECTORS(unsigned char, uchar)
TENON_HOST_VECTORS(short, short)
TENON_HOST_VECTORS(unsigned short, ushort)
TENON_HOST_VECTORS(int, int)
TENON_HOST_VECTORS(unsigned, uint)
TENON_HOST_VECTORS(float, float)
TENON_HOST_VECTORS(long long, longlong)
TENON_HOST_VECTORS(unsigned long long, ulonglong)
TENON_HOST_VECTORS(double, double)
#undef TENON_HOST_VECTORS

// ---- what the emulator needs of a kernel object
// -----------------------------------------------------------------------

namespace tenon::vgpu {

template <int... I>
struct Indices {};
#if defined(__clang__)
template <class, int... I>
using IndicesOf = Indices<I...>;
template <int N>
using MakeIndices = __make_integer_seq<IndicesOf, int, N>;
#else
template <int N>
using MakeIndices = Indices<__integer_pack(N)...>;
#endif

template <class... Args, int... I>
inline void invokeWith(void (*kernel)(Args...), void **args, Indices<I...>) {
  kernel(*static_cast<const Args *>(args[I])...);
}
/// Calls `kernel` with arguments by cuLaunchKernel's convention: args[i] points to the i-th argument.
template <class... Args>
inline void invoke(void (*kernel)(Args...), void **args) {
  invokeWith(kernel, args, MakeIndices<sizeof...(Args)>());
}

} // namespace tenon::vgpu

namespace tenon::vgpu {
// Not inside of its function: there g++ would make it a unique symbol, and the object could never be unloaded.
static thread_local __attribute__((aligned(16))) char sharedAnchor[16];
} // namespace tenon::vgpu

extern "C" {
/// The layout this object was compiled for; the emulator refuses another.
inline __attribute__((used, visibility("default"))) unsigned tenon_vgpu_abi() { return tenon::vgpu::kAbiVersion; }
/// Makes sure that the object has a thread-local segment, and that the calling thread's copy is there.
inline __attribute__((used, visibility("default"))) void *tenon_vgpu_anchor() { return tenon::vgpu::sharedAnchor; }
}

// ---- barriers, shuffles, votes
// ----------------------------------------------------------------------------------------

inline void __syncthreads() { tenon::vgpu::table().barrier(0, 0, false, 0); }
inline int __syncthreads_count(int p) { return tenon::vgpu::table().barrier(0, 0, false, p != 0); }
inline int __syncthreads_or(int p) { return __syncthreads_count(p) != 0; }
inline int __syncthreads_and(int p) { return __syncthreads_count(!p) == 0; }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  tenon::vgpu::table().warp(tenon::vgpu::WarpOp::Sync, mask, nullptr);
}
inline unsigned __activemask() { return tenon::vgpu::self()->activeLanes; }

namespace tenon::vgpu {
inline unsigned lane() { return self()->linearThread & 31; }

template <class T>
inline T shuffleFrom(unsigned mask, T value, unsigned source) {
  T result;
  ShuffleArgs args{&value, &result, sizeof(T), source};
  table().warp(WarpOp::Shuffle, mask, &args);
  return result;
}
inline unsigned vote(unsigned mask, int predicate) {
  VoteArgs args{predicate != 0, 0};
  table().warp(WarpOp::Vote, mask, &args);
  return args.ballot;
}
} // namespace tenon::vgpu

// PTX shfl.sync: a lane outside of its segment of `width` lanes reads itself.
template <class T>
inline T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  unsigned lane = tenon::vgpu::lane();
  return tenon::vgpu::shuffleFrom(mask, value, (lane & ~(width - 1u)) | (source & (width - 1u)));
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int laneMask, int width = 32) {
  unsigned lane = tenon::vgpu::lane(), source = lane ^ laneMask;
  // Segments above may not be read, segments below may.
  return tenon::vgpu::shuffleFrom(mask, value, source > (lane | (width - 1u)) ? lane : source);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  unsigned lane = tenon::vgpu::lane(), source = lane + delta;
  return tenon::vgpu::shuffleFrom(mask, value, source > (lane | (width - 1u)) ? lane : source);
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  unsigned lane = tenon::vgpu::lane(), first = lane & ~(width - 1u);
  return tenon::vgpu::shuffleFrom(mask, value, lane < first + delta ? lane : lane - delta);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) { return tenon::vgpu::vote(mask, predicate); }
inline int __any_sync(unsigned mask, int predicate) { return tenon::vgpu::vote(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return tenon::vgpu::vote(mask, !predicate) == 0; }

// ---- memory
// -----------------------------------------------------------------------------------------------------------

inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __nanosleep(unsigned) { tenon::vgpu::table().yield(); }
inline void __trap() { tenon::vgpu::table().violation("__trap()"); }
template <class T>
inline T __ldg(const T *pointer) {
  return *pointer;
}

namespace tenon::vgpu {
/// *address = f(*address), atomically; returns the old value. T has 4 or 8 bytes.
template <class T, class F>
inline T atomicUpdate(T *address, F f) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "atomics have 4 or 8 bytes");
  T old, next;
  __atomic_load(address, &old, __ATOMIC_RELAXED);
  do
    next = f(old);
  while (!__atomic_compare_exchange(address, &old, &next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}
} // namespace tenon::vgpu

template <class T>
inline T atomicAdd(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T old) { return T(old + value); });
}
template <class T>
inline T atomicSub(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T old) { return T(old - value); });
}
template <class T>
inline T atomicMax(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T old) { return old < value ? value : old; });
}
template <class T>
inline T atomicMin(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T old) { return value < old ? value : old; });
}
template <class T>
inline T atomicAnd(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T old) { return T(old & value); });
}
template <class T>
inline T atomicOr(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T old) { return T(old | value); });
}
template <class T>
inline T atomicExch(T *address, T value) {
  return tenon::vgpu::atomicUpdate(address, [=](T) { return value; });
}
template <class T>
inline T atomicCAS(T *address, T expected, T value) {
  __atomic_compare_exchange(address, &expected, &value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

#endif // TENON_CUDA_HOST_CUDA_CUH
