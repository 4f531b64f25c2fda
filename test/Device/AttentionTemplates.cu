// Instances of the templates of attention.
#include "tenon/cuda/attention_mma.cuh"
#include "tenon/cuda/attention_simt.cuh"

using namespace tenon::device;

#include "Attention.inc"

using Plain = ScoreRule<>;
using Causal = ScoreRule<NoMask, true>;
using CappedCausal = ScoreRule<NoMask, true, true>;
template <class T>
using Added = ScoreRule<Mask<T>, false, false, /*NanRows=*/true>;
using Hidden = ScoreRule<Mask<uint8_t>, true>;

template <class MaskType>
TENON_DEVICE MaskType maskOf(const Problem &p) {
  if constexpr (sizeof(MaskType) == sizeof(NoMask))
    return {};
  else
    return {static_cast<typename MaskType::Line>(p.mask), p.maskStrides[0], p.maskStrides[1], p.maskStrides[2],
            p.maskStrides[3]};
}
template <class MaskType, bool C, bool S, bool N>
TENON_DEVICE void setRule(ScoreRule<MaskType, C, S, N> &rule, const Problem &p) {
  rule = {p.scale, p.softcap, p.causalOffset, maskOf<MaskType>(p)};
}

#define ATTENTION(name, T, Depth, Width, Rule, ...)                                                                    \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks) name(Problem p) {         \
    int lines = p.shape.lines(), keys = p.shape.keys;                                                                  \
    auto q = strided(static_cast<const T *>(p.q), lines, Depth, p.strideQ, lines * p.strideQ);                         \
    auto k = strided(static_cast<const T *>(p.k), keys, Depth, p.strideK, keys * p.strideK);                           \
    auto v = strided(static_cast<const T *>(p.v), keys, Width, p.strideV, keys * p.strideV);                           \
    Rule rule;                                                                                                         \
    setRule(rule, p);                                                                                                  \
    __VA_ARGS__::run(p.shape, q, k, v, rule, storeTo(static_cast<T *>(p.y), p.strideY, lines * p.strideY));            \
  }                                                                                                                    \
  TENON_KERNEL(name)

// clang-format off: name, type, sizes of a key and of a value, rule, tile
#if !defined(FAMILY) || FAMILY == 1 // so that a test may compile one of them
ATTENTION(simt8, float, 8, 8, Hidden, AttentionSimt<8, 8, 2, 32>);
ATTENTION(simt40, float, 40, 24, Added<float>, AttentionSimt<40, 24, 4, 48>);
ATTENTION(simt64, float, 64, 64, Causal, AttentionSimt<64, 64, 8, 32>);
ATTENTION(simt80, float, 80, 130, Plain, AttentionSimt<80, 130, 4, 32>);
ATTENTION(simt128, float, 128, 128, Plain, AttentionSimt<128, 128, 8, 32>);
ATTENTION(simt256, float, 256, 256, CappedCausal, AttentionSimt<256, 256, 4, 16>);
#endif
#if !defined(FAMILY) || FAMILY == 2
ATTENTION(mmaHalf8, half, 8, 8, Added<half>, AttentionMma<half, 8, 8, 1, 32>);
ATTENTION(mmaHalf40, half, 40, 72, Hidden, AttentionMma<half, 40, 72, 2, 64>);
ATTENTION(mmaHalf64, half, 64, 64, Causal, AttentionMma<half, 64, 64, 4, 64>);
ATTENTION(mmaHalf256, half, 256, 256, Plain, AttentionMma<half, 256, 256, 4, 32>);
ATTENTION(mmaBfloat80, bfloat16, 80, 80, Plain, AttentionMma<bfloat16, 80, 80, 4, 64>);
ATTENTION(mmaBfloat128, bfloat16, 128, 128, CappedCausal, AttentionMma<bfloat16, 128, 128, 4, 64>);
#endif
