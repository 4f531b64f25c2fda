// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// CHECK:      #include "tenon/cuda/attention_simt.cuh"
// CHECK-NEXT: // k0_attention: attention
// CHECK:      // launch: 128 threads, blocks
// CHECK-NEXT: using k0_attention_Tile = AttentionSimt<64, 64, 8, 32>;
// CHECK-NEXT: extern "C" __global__ void __launch_bounds__(k0_attention_Tile::threads, k0_attention_Tile::minBlocks)
// CHECK-NEXT: k0_attention(const float *__restrict__ q, const float *__restrict__ k, const float *__restrict__ v,
// CHECK-NEXT:     const bool *__restrict__ mask, float *__restrict__ out, int64_t lanes, int64_t queries, int64_t keys,
// CHECK-NEXT:     int64_t past) {
// CHECK-NEXT:   using Tile = k0_attention_Tile;
// CHECK-NEXT:   static_assert(Tile::threads == 128 && Tile::sharedBytes == 46592, "as launched");
// CHECK-NEXT:   const AttentionShape shape{int(lanes), 2, int(queries), int(keys), 2};
// CHECK-NEXT:   const Mask<bool> scoreMask = broadcastMask(mask, 1, 1, int(queries), int(keys));
// CHECK-NEXT:   const ScoreRule<Mask<bool>, true, true> rule{0.125f, 2.5f, int(past), scoreMask};
// CHECK-NEXT:   Tile::run(shape, rowMajor(q, shape.lines(), 64), rowMajor(k, shape.keys, 64), rowMajor(v, shape.keys, 64), rule,
// CHECK-NEXT:             storeTo(out, 64, int64_t(shape.lines()) * 64));
// CHECK-NEXT: }

// One query of two heads that share keys: the smallest tile. One buffer in three roles.
// CHECK:      using k1_attention_Tile = AttentionSimt<40, 40, 1, 32>;
// CHECK:      k1_attention(const float *__restrict__ q, const float *__restrict__ v, float *__restrict__ out) {
// CHECK:        const ScoreRule<NoMask, false, false> rule{0.5f, 0.0f, 0, NoMask()};
// CHECK-NEXT:   Tile::run(shape, rowMajor(q, shape.lines(), 40), rowMajor(v, shape.keys, 40), rowMajor(v, shape.keys, 40), rule,

// CHECK:      #include "tenon/cuda/attention_mma.cuh"
// CHECK:      using k2_attention_Tile = AttentionMma<half, 64, 128, 4, 64>;

!q = tensor<?x4x?x64xf32, #graph.shape<[B, 4, S, 64]>>
!k = tensor<?x2x?x64xf32, #graph.shape<[B, 2, P + S, 64]>>
!m = tensor<?x?xi1, #graph.shape<[S, P + S]>>

func.func @f(%q: !q, %k: !k, %v: !k, %m: !m, %one: tensor<1x2x1x40xf32>, %few: tensor<1x1x9x40xf32>, %h: tensor<1x8x99x64xf16>, %w: tensor<1x8x99x128xf16>) {
  %a = graph.dispatch(%q, %k, %v, %m) {
  ^bb0(%0: !q, %1: !k, %2: !k, %3: !m):
    %4 = graph.attention %0, %1, %2 mask %3 {causal_offset = #graph.dim<P>, scale = 0.125 : f64, softcap = 2.5 : f64} : (!q, !k, !k, !m) -> !q
    graph.yield %4 : !q
  } : (!q, !k, !k, !m) -> !q
  %b = graph.dispatch(%one, %few) {
  ^bb0(%0: tensor<1x2x1x40xf32>, %1: tensor<1x1x9x40xf32>):
    %2 = graph.attention %0, %1, %1 {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x2x1x40xf32>, tensor<1x1x9x40xf32>, tensor<1x1x9x40xf32>) -> tensor<1x2x1x40xf32>
    graph.yield %2 : tensor<1x2x1x40xf32>
  } : (tensor<1x2x1x40xf32>, tensor<1x1x9x40xf32>) -> tensor<1x2x1x40xf32>
  %c = graph.dispatch(%h, %w) {
  ^bb0(%0: tensor<1x8x99x64xf16>, %1: tensor<1x8x99x128xf16>):
    %2 = graph.attention %0, %0, %1 {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x8x99x64xf16>, tensor<1x8x99x64xf16>, tensor<1x8x99x128xf16>) -> tensor<1x8x99x128xf16>
    graph.yield %2 : tensor<1x8x99x128xf16>
  } : (tensor<1x8x99x64xf16>, tensor<1x8x99x128xf16>) -> tensor<1x8x99x128xf16>
  return
}
