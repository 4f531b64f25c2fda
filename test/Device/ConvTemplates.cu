// Instances of the templates for convolutions.
#include "tenon/cuda/conv.cuh"
#include "tenon/cuda/gemm_mma.cuh"
#include "tenon/cuda/gemm_simt.cuh"

using namespace tenon::device;

#include "Conv.inc"

#define CONV(name, T, Out, TransposedB, ...)                                                                           \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks) name(Problem p) {         \
    int n = p.outChannels, depth = p.shape.depth();                                                                    \
    __VA_ARGS__::run(p.shape.gemm(n), ConvOperand<T>{static_cast<const T *>(p.x), p.shape},                            \
                     rowMajor(static_cast<const T *>(p.w), TransposedB ? n : depth, TransposedB ? depth : n),          \
                     storeTo(static_cast<Out *>(p.y), n, 0, BiasRelu{p.bias}));                                        \
  }                                                                                                                    \
  TENON_KERNEL(name)
#define DEPTHWISE(name, T, ...)                                                                                        \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks) name(Problem p) {         \
    __VA_ARGS__::run(p.shape, static_cast<const T *>(p.x), static_cast<const T *>(p.w),                                \
                     storeTo(static_cast<T *>(p.y), p.outChannels, 0, BiasRelu{p.bias}));                              \
  }                                                                                                                    \
  TENON_KERNEL(name)

// clang-format off
CONV(convSimt, float, float, false, GemmSimt<64, 64, 8, 8, 4, 2, false>);
CONV(convTf32, float, float, true, GemmMma<float, 64, 64, 16, 2, 2, 3, true>);
CONV(convHalf, half, half, true, GemmMma<half, 128, 64, 32, 4, 1, 3, true>);
CONV(convBfloat16, bfloat16, bfloat16, false, GemmMma<bfloat16, 64, 64, 32, 2, 2, 3, false>);
DEPTHWISE(depthwiseFloat, float, Depthwise<float, 4>);
DEPTHWISE(depthwiseHalf, half, Depthwise<half, 8, 2>);
