// Instances of the template of attention by wgmma.
#include "tenon/cuda/attention_wgmma.cuh"

using namespace tenon::device;

#include "Attention.inc"

#define ATTENTION(name, T, size, Causal, NanRows, ...)                                                                 \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks)                           \
      name(const __grid_constant__ TensorMap q, const __grid_constant__ TensorMap k,                                   \
           const __grid_constant__ TensorMap v, Problem p) {                                                           \
    ScoreRule<NoMask, Causal, false, NanRows> rule{p.scale, p.softcap, p.causalOffset, {}};                            \
    __VA_ARGS__::run(p.shape, &q, &k, &v, size, rule,                                                                  \
                     storeTo(static_cast<T *>(p.y), p.strideY, p.shape.lines() * p.strideY));                          \
  }                                                                                                                    \
  TENON_KERNEL(name)

ATTENTION(wgmmaHalf64, half, 64, true, false, AttentionWgmma<half, 64, 64>);
ATTENTION(wgmmaHalf128, half, 128, false, false, AttentionWgmma<half, 128, 128>);
ATTENTION(wgmmaBfloat80, bfloat16, 72, true, true, AttentionWgmma<bfloat16, 128, 128, 64, 3>);
ATTENTION(wgmmaBfloat256, bfloat16, 256, false, false, AttentionWgmma<bfloat16, 256, 256>);
