// Instances of the template for matrix products by wgmma.
#include "tenon/cuda/gemm_wgmma.cuh"

using namespace tenon::device;

#include "Product.inc"

#define GEMM(name, Out, ...)                                                                                           \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks)                           \
      name(const __grid_constant__ TensorMap mapA, const __grid_constant__ TensorMap mapB, Problem p) {                \
    __VA_ARGS__::run(p.shape, &mapA, &mapB, p.batchA == 0, p.batchB == 0,                                              \
                     storeTo(static_cast<Out *>(p.c), p.strideC, p.batchC, Shift{p.bias}));                            \
  }                                                                                                                    \
  TENON_KERNEL(name)

GEMM(wgmmaHalfT, half, GemmWgmma<half, 128, 4, true>);
GEMM(wgmmaBfloat16, float, GemmWgmma<bfloat16, 256, 4, false>);
