// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// A convolution of one group is a product of patches; its bias and what follows are the epilogue.
// CHECK:       #include "tenon/cuda/gemm_simt.cuh"
// CHECK-NEXT:  #include "tenon/cuda/conv.cuh"
// CHECK-NEXT:  // k0_conv_relu: conv relu
// CHECK:       // launch: 256 threads, blocks (16 * N + 63) floordiv 64, shared bytes 16896
// CHECK:         return maximum(sum + bias[column], 0.0f);
// CHECK:       k0_conv_relu(const float *__restrict__ x, const float *__restrict__ weight, const float *__restrict__ bias,
// CHECK:         using Tile = GemmSimt<64, 64, 16, 4, 4, 2, false>;
// CHECK-NEXT:    // Extents of images; then of the kernel, strides, pads, dilations, each of y and x.
// CHECK-NEXT:    const ConvShape shape{int(images), int(height), int(width), int(channels), int(outHeight), int(outWidth),
// CHECK-NEXT:                          3, 3, 2, 2, 1, 1, 1, 1};
// CHECK-NEXT:    Tile::run({int(m), int(n), int(k), int(batch)}, patches(x, shape), rowMajor(weight, int(k), int(n)),

// A kernel of one pixel is a plain product.
// CHECK-LABEL: // k1_conv: conv
// CHECK-NOT:     ConvShape
// CHECK:         Tile::run({int(m), int(n), int(k), int(batch)}, rowMajor(x, int(m), int(k)), rowMajor(weight, int(k), int(n)),

// One filter per channel; 16 bytes of channels at a time.
// CHECK-LABEL: // k2_conv_add: conv add
// CHECK:         using Tile = Depthwise<float, 4, 4, 128>;
// CHECK-NEXT:    const int64_t pixels = shape.pixels();
// CHECK-NEXT:    Tile::run(shape, x, weight,

// Halves sum in f32 on tensor cores, and are rounded where they are stored.
// CHECK-LABEL: // k3_conv_relu: conv relu
// CHECK:         TENON_DEVICE half operator()(float sum, Index row, Index column) const {
// CHECK-NEXT:      return half(maximum(sum + float(bias[column]), 0.0f));
// CHECK:         using Tile = GemmMma<half, 64, 64, 32, 2, 2, 3, false>;

func.func @f(%x: tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, %w: tensor<16x3x3x3xf32>, %b: tensor<16xf32>, %w1: tensor<64x3x1x1xf32>, %y: tensor<2x8x8x12xf32>, %wd: tensor<12x1x3x3xf32>, %h: tensor<2x8x8x16xf16>, %wh: tensor<16x16x3x3xf16>, %bh: tensor<16xf16>) {
  %r0 = graph.dispatch(%x, %w, %b) {
  ^bb0(%0: tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, %1: tensor<16x3x3x3xf32>, %2: tensor<16xf32>):
    %3 = graph.conv %0, %1, %2 {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64, channels_last} : (tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<?x4x4x16xf32, #graph.shape<[N, 4, 4, 16]>>
    %4 = graph.relu %3 : tensor<?x4x4x16xf32, #graph.shape<[N, 4, 4, 16]>> -> tensor<?x4x4x16xf32, #graph.shape<[N, 4, 4, 16]>>
    graph.yield %4 : tensor<?x4x4x16xf32, #graph.shape<[N, 4, 4, 16]>>
  } {formats = ["", "hwio", ""]} : (tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<?x4x4x16xf32, #graph.shape<[N, 4, 4, 16]>>
  %r1 = graph.dispatch(%x, %w1) {
  ^bb0(%0: tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, %1: tensor<64x3x1x1xf32>):
    %2 = graph.conv %0, %1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64, channels_last} : (tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, tensor<64x3x1x1xf32>) -> tensor<?x8x8x64xf32, #graph.shape<[N, 8, 8, 64]>>
    graph.yield %2 : tensor<?x8x8x64xf32, #graph.shape<[N, 8, 8, 64]>>
  } {formats = ["", "hwio"]} : (tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, tensor<64x3x1x1xf32>) -> tensor<?x8x8x64xf32, #graph.shape<[N, 8, 8, 64]>>
  %r2 = graph.dispatch(%y, %wd) {
  ^bb0(%0: tensor<2x8x8x12xf32>, %1: tensor<12x1x3x3xf32>):
    %2 = graph.conv %0, %1 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 12 : i64, channels_last} : (tensor<2x8x8x12xf32>, tensor<12x1x3x3xf32>) -> tensor<2x8x8x12xf32>
    %3 = graph.add %2, %0 : (tensor<2x8x8x12xf32>, tensor<2x8x8x12xf32>) -> tensor<2x8x8x12xf32>
    graph.yield %3 : tensor<2x8x8x12xf32>
  } {formats = ["", "hwio"]} : (tensor<2x8x8x12xf32>, tensor<12x1x3x3xf32>) -> tensor<2x8x8x12xf32>
  %r3 = graph.dispatch(%h, %wh, %bh) {
  ^bb0(%0: tensor<2x8x8x16xf16>, %1: tensor<16x16x3x3xf16>, %2: tensor<16xf16>):
    %3 = graph.conv %0, %1, %2 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64, channels_last} : (tensor<2x8x8x16xf16>, tensor<16x16x3x3xf16>, tensor<16xf16>) -> tensor<2x8x8x16xf16>
    %4 = graph.relu %3 : tensor<2x8x8x16xf16> -> tensor<2x8x8x16xf16>
    graph.yield %4 : tensor<2x8x8x16xf16>
  } {formats = ["", "hwio", ""]} : (tensor<2x8x8x16xf16>, tensor<16x16x3x3xf16>, tensor<16xf16>) -> tensor<2x8x8x16xf16>
  return
}
