//===- wgmma.cuh - Asynchronous products of a warp group ------------------===//
//
// Four warps (128 threads, the first a multiple of 128) multiply together; the operands are matrices in shared memory,
// named by descriptors (or, for A, registers). From sm_90a, and only there.
//
//   wgmmaFence();                          // before the first product, and after the registers were touched
//   wgmma<half, 128>(d, a, b, k > 0);      // any number
//   wgmmaCommit();
//   wgmmaWait<0>();                        // before d is read, and before the operands are overwritten
//
// d must be one array that stays in place from the fence to the wait; the virtual GPU knows it by its address.
//
// Registers: thread t of the group holds d[j] at row 16 * (t / 32) + t % 32 / 4 + 8 * (j / 2 % 2) and column
// 8 * (j / 4) + t % 4 * 2 + j % 2; A in registers: a[0..3] as mma.cuh's m16n8k16, rows of warp w from 16 * w.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_WGMMA_CUH
#define TENON_CUDA_WGMMA_CUH

#include "tenon/cuda/half.cuh"

namespace tenon::device {

/// How 16-byte chunks of shared memory are permuted; equals the swizzle of the tensor map that filled it.
enum class Swizzle : unsigned { None = 0, Bytes128 = 1, Bytes64 = 2, Bytes32 = 3 };

/// Along which index an operand in shared memory is contiguous.
enum class Major : int { K = 0, MN = 1 };

/// A matrix descriptor. `start` is a multiple of 16; swizzled matrices lie in a region aligned to 1024 bytes (512 and
/// 256 for 64 and 32-byte swizzles), in which a product along K starts 32 bytes (16 elements) further than the last.
/// K-major: rows of 16, 32, 64 or 128 bytes; 8 rows follow each other, `stride` is the distance in bytes from there to
/// the next 8 rows (1024 where a 128-byte swizzled tile is dense); `leading` is the distance from k to k + 8 without
/// swizzle, unused otherwise. MN-major, swizzled: lines of 8, 16, 32 or 64 elements along M or N, one line per k;
/// `stride` leads from 8 lines to the next 8 (k + 8), `leading` to the next elements of M or N; without swizzle the
/// other way round.
TENON_DEVICE uint64_t matrixDescriptor(const void *start, Swizzle swizzle, unsigned leading, unsigned stride) {
  uint64_t address = sharedAddress(start);
  return (address & 0x3ffff) >> 4 | static_cast<uint64_t>((leading & 0x3ffff) >> 4) << 16 |
         static_cast<uint64_t>((stride & 0x3ffff) >> 4) << 32 | static_cast<uint64_t>(swizzle) << 62;
}
/// The descriptor of a matrix that starts `bytes` (a multiple of 16) further.
TENON_DEVICE uint64_t advanceDescriptor(uint64_t descriptor, unsigned bytes) { return descriptor + (bytes >> 4); }

namespace detail {
#if !TENON_GPU
TENON_DEVICE void emulateWgmma(vgpu::WarpgroupOp op, vgpu::WarpgroupArgs args) {
  vgpu::table().warpgroup(op, &args);
  // Registers change behind the compiler's back.
  asm volatile("" ::: "memory");
}
template <class T>
inline constexpr vgpu::ElementKind kElementKind = vgpu::ElementKind::F16;
template <>
inline constexpr vgpu::ElementKind kElementKind<bfloat16> = vgpu::ElementKind::BF16;
#endif
} // namespace detail

/// Orders accesses of registers before the products that follow. PTX: wgmma.fence.sync.aligned.
TENON_DEVICE void wgmmaFence() {
#if TENON_GPU
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#else
  detail::emulateWgmma(vgpu::WarpgroupOp::Fence, {});
#endif
}
/// Makes one group of the products since the last commit. PTX: wgmma.commit_group.sync.aligned.
TENON_DEVICE void wgmmaCommit() {
#if TENON_GPU
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#else
  detail::emulateWgmma(vgpu::WarpgroupOp::Commit, {});
#endif
}
/// Waits until at most InFlight of the latest groups are incomplete. PTX: wgmma.wait_group.sync.aligned.
template <int InFlight>
TENON_DEVICE void wgmmaWait() {
#if TENON_GPU
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(InFlight) : "memory");
#else
  vgpu::WarpgroupArgs args{};
  args.n = InFlight;
  detail::emulateWgmma(vgpu::WarpgroupOp::Wait, args);
#endif
}

/// Sets the registers per thread of the executing warp, 24 to 256 in steps of 8; every warp of a warp group calls it.
/// PTX: setmaxnreg.{inc,dec}.sync.aligned.u32, sm_90a.
template <int Registers>
TENON_DEVICE void increaseRegisters() {
  static_assert(Registers >= 24 && Registers <= 256 && Registers % 8 == 0, "24 to 256 in steps of 8");
#if TENON_GPU
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Registers));
#endif
}
template <int Registers>
TENON_DEVICE void decreaseRegisters() {
  static_assert(Registers >= 24 && Registers <= 256 && Registers % 8 == 0, "24 to 256 in steps of 8");
#if TENON_GPU
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Registers));
#endif
}

#if TENON_GPU
// The operands of an asm statement have numbers, not names: %0 to %(N/2 - 1) are the accumulators.
#define TENON_PLACES_32                                                                                                \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                                             \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define TENON_PLACES_64                                                                                                \
  TENON_PLACES_32 ", "                                                                                                 \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "                                   \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define TENON_PLACES_128                                                                                               \
  TENON_PLACES_64 ", "                                                                                                 \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "                                   \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "                                   \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "                       \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define TENON_REGISTERS_8(d, i)                                                                                        \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]),          \
      "+f"(d[i + 7])
#define TENON_REGISTERS_32(d, i)                                                                                       \
  TENON_REGISTERS_8(d, i), TENON_REGISTERS_8(d, i + 8), TENON_REGISTERS_8(d, i + 16), TENON_REGISTERS_8(d, i + 24)
#define TENON_REGISTERS_64(d, i) TENON_REGISTERS_32(d, i), TENON_REGISTERS_32(d, i + 32)
#define TENON_REGISTERS_128(d, i) TENON_REGISTERS_64(d, i), TENON_REGISTERS_64(d, i + 64)

// p0 to p4 are the placeholders behind the accumulators.
#define TENON_WGMMA_SHARED(n, count, type, p0, p1, p2, p3, p4)                                                         \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, " p2 ", 0; wgmma.mma_async.sync.aligned.m64n" #n "k16.f32." type        \
               "." type " {" TENON_PLACES_##count "}, " p0 ", " p1 ", p, 1, 1, " p3 ", " p4 "; }"                      \
               : TENON_REGISTERS_##count(d, 0)                                                                         \
               : "l"(descA), "l"(descB), "r"(static_cast<int>(accumulate)), "n"(static_cast<int>(MajorA)),             \
                 "n"(static_cast<int>(MajorB)))
#define TENON_WGMMA_REGISTERS(n, count, type, p0, p1, p2, p3, p4, p5, p6)                                              \
  asm volatile("{ .reg .pred p; setp.ne.b32 p, " p5 ", 0; wgmma.mma_async.sync.aligned.m64n" #n "k16.f32." type        \
               "." type " {" TENON_PLACES_##count "}, {" p0 ", " p1 ", " p2 ", " p3 "}, " p4 ", p, 1, 1, " p6 "; }"    \
               : TENON_REGISTERS_##count(d, 0)                                                                         \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(descB), "r"(static_cast<int>(accumulate)),            \
                 "n"(static_cast<int>(MajorB)))
#endif

namespace detail {
template <class A, class B>
inline constexpr bool kSame = false;
template <class A>
inline constexpr bool kSame<A, A> = true;
} // namespace detail

/// d = A * B + (accumulate ? d : 0): A 64x16, B 16xN (N = 64, 128 or 256) of T (half or bfloat16), d of float.
/// PTX: wgmma.mma_async.sync.aligned.m64nNk16.f32.{f16,bf16}.{f16,bf16}.
template <class T, int N, Major MajorA = Major::K, Major MajorB = Major::K>
TENON_DEVICE void wgmma(float (&d)[N / 2], uint64_t descA, uint64_t descB, bool accumulate) {
  static_assert(N == 64 || N == 128 || N == 256, "N is 64, 128 or 256");
#if TENON_GPU
  if constexpr (detail::kSame<T, half>) {
    if constexpr (N == 64)
      TENON_WGMMA_SHARED(64, 32, "f16", "%32", "%33", "%34", "%35", "%36");
    else if constexpr (N == 128)
      TENON_WGMMA_SHARED(128, 64, "f16", "%64", "%65", "%66", "%67", "%68");
    else
      TENON_WGMMA_SHARED(256, 128, "f16", "%128", "%129", "%130", "%131", "%132");
  } else {
    static_assert(detail::kSame<T, half> || detail::kSame<T, bfloat16>, "T is half or bfloat16");
    if constexpr (N == 64)
      TENON_WGMMA_SHARED(64, 32, "bf16", "%32", "%33", "%34", "%35", "%36");
    else if constexpr (N == 128)
      TENON_WGMMA_SHARED(128, 64, "bf16", "%64", "%65", "%66", "%67", "%68");
    else
      TENON_WGMMA_SHARED(256, 128, "bf16", "%128", "%129", "%130", "%131", "%132");
  }
#else
  detail::emulateWgmma(vgpu::WarpgroupOp::Mma, {detail::kElementKind<T>, N, d, nullptr, descA, descB, accumulate,
                                                static_cast<int>(MajorA), static_cast<int>(MajorB)});
#endif
}

/// As wgmma, with A in registers, which must not change before the wait.
template <class T, int N, Major MajorB = Major::K>
TENON_DEVICE void wgmmaRegisters(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t descB, bool accumulate) {
  static_assert(N == 64 || N == 128 || N == 256, "N is 64, 128 or 256");
#if TENON_GPU
  if constexpr (detail::kSame<T, half>) {
    if constexpr (N == 64)
      TENON_WGMMA_REGISTERS(64, 32, "f16", "%32", "%33", "%34", "%35", "%36", "%37", "%38");
    else if constexpr (N == 128)
      TENON_WGMMA_REGISTERS(128, 64, "f16", "%64", "%65", "%66", "%67", "%68", "%69", "%70");
    else
      TENON_WGMMA_REGISTERS(256, 128, "f16", "%128", "%129", "%130", "%131", "%132", "%133", "%134");
  } else {
    static_assert(detail::kSame<T, half> || detail::kSame<T, bfloat16>, "T is half or bfloat16");
    if constexpr (N == 64)
      TENON_WGMMA_REGISTERS(64, 32, "bf16", "%32", "%33", "%34", "%35", "%36", "%37", "%38");
    else if constexpr (N == 128)
      TENON_WGMMA_REGISTERS(128, 64, "bf16", "%64", "%65", "%66", "%67", "%68", "%69", "%70");
    else
      TENON_WGMMA_REGISTERS(256, 128, "bf16", "%128", "%129", "%130", "%131", "%132", "%133", "%134");
  }
#else
  detail::emulateWgmma(vgpu::WarpgroupOp::Mma,
                       {detail::kElementKind<T>, N, d, a, 0, descB, accumulate, 0, static_cast<int>(MajorB)});
#endif
}

#if TENON_GPU
#undef TENON_PLACES_32
#undef TENON_PLACES_64
#undef TENON_PLACES_128
#undef TENON_REGISTERS_8
#undef TENON_REGISTERS_32
#undef TENON_REGISTERS_64
#undef TENON_REGISTERS_128
#undef TENON_WGMMA_SHARED
#undef TENON_WGMMA_REGISTERS
#endif

} // namespace tenon::device

#endif // TENON_CUDA_WGMMA_CUH
