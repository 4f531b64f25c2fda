// Instances of the template for convolutions by wgmma.
#include "tenon/cuda/conv_wgmma.cuh"

using namespace tenon::device;

#include "Conv.inc"

#define CONV(name, T, Out, ...)                                                                                        \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks)                           \
      name(const __grid_constant__ TensorMap mapW, Problem p) {                                                        \
    __VA_ARGS__::run(p.shape.gemm(p.outChannels), patches(static_cast<const T *>(p.x), p.shape), &mapW, false,         \
                     storeTo(static_cast<Out *>(p.y), p.outChannels, 0, BiasRelu{p.bias}));                            \
  }                                                                                                                    \
  TENON_KERNEL(name)

// clang-format off
CONV(convWgmmaHalf64, half, half, ConvWgmma<half, 64>);
CONV(convWgmmaHalfT, half, half, ConvWgmma<half, 128, 4, true>);
CONV(convWgmmaBfloat16, bfloat16, bfloat16, ConvWgmma<bfloat16, 128, 3>);
