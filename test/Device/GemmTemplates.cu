// Instances of the templates for matrix products, with a prologue and an epilogue that show every coordinate.
#include "tenon/cuda/gemm_simt.cuh"
#include "tenon/cuda/gemm_mma.cuh"

using namespace tenon::device;

#include "Product.inc"

/// Elements of A, scaled by where they are.
struct Scale {
  template <class T>
  TENON_DEVICE T operator()(T value, int64_t batch, int row, int k) const {
    return T(float(value) * static_cast<float>(1 + (row + k + static_cast<int>(batch)) % 3));
  }
};

#define GEMM(name, In, Out, TransposedB, prologue, ...)                                                                \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks) name(Problem p) {                                 \
    const GemmShape &s = p.shape;                                                                                      \
    auto a = strided(static_cast<const In *>(p.a), s.m, s.k, p.strideA, p.batchA);                                     \
    auto b = strided(static_cast<const In *>(p.b), TransposedB ? s.n : s.k, TransposedB ? s.k : s.n, p.strideB,        \
                     p.batchB);                                                                                        \
    __VA_ARGS__::run(s, prologue, b, storeTo(static_cast<Out *>(p.c), p.strideC, p.batchC, Shift{p.bias}));            \
  }                                                                                                                    \
  TENON_KERNEL(name)

// clang-format off: name, types, whether B is transposed, A, the tile
#if !defined(FAMILY) || FAMILY == 1 // so that a test may compile one of them
GEMM(simt128, float, float, false, a, GemmSimt<128, 128, 8, 8, 8, 2, false>);
GEMM(simt128t, float, float, true, a, GemmSimt<128, 128, 8, 8, 8, 2, true>);
GEMM(simt64, float, half, false, a, GemmSimt<32, 64, 16, 4, 8, 3, false>);
GEMM(simt64t, float, float, true, mapped(a, Scale()), GemmSimt<64, 64, 8, 8, 4, 2, true>);
#endif
#if !defined(FAMILY) || FAMILY == 2
GEMM(mmaHalf, half, half, false, a, GemmMma<half, 128, 128, 32, 2, 4, 3, false>);
GEMM(mmaHalfT, half, float, true, a, GemmMma<half, 128, 128, 32, 2, 4, 3, true>);
GEMM(mmaBfloat16, bfloat16, bfloat16, false, mapped(a, Scale()), GemmMma<bfloat16, 64, 64, 64, 2, 2, 3, false>);
GEMM(mmaBfloat16T, bfloat16, float, true, a, GemmMma<bfloat16, 64, 128, 32, 2, 2, 4, true>);
GEMM(mmaTf32, float, float, false, a, GemmMma<float, 128, 128, 16, 2, 4, 3, false>);
GEMM(mmaTf32T, float, float, true, mapped(a, Scale()), GemmMma<float, 64, 64, 32, 2, 2, 3, true>);
#endif
