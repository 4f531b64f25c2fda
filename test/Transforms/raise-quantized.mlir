// RUN: tenon-opt %s -tenon-raise-quantized | FileCheck %s
// RUN: tenon-opt %s -tenon-phase-dispatch | FileCheck %s --check-prefix=REGION
// RUN: tenon-opt %s -tenon-raise-quantized --remark-policy=all --remarks-filter=quantization 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK-COUNT-2: remark: {{.*}}RaiseQuantized{{.*}}may not fit in 32 bits
//     REMARK-NOT: remark:

// One region from codes to codes: the product, both scales, the bias, the next quantization.
// CHECK-LABEL: func @products_of_codes
//       CHECK:   %[[I:.+]] = graph.integer_conv %arg0, %{{.+}} x_zero %{{.+}} {{.*}} : (tensor<1x16x8x8xui8>, tensor<32x16x3x3xi8>, tensor<ui8>) -> tensor<1x32x8x8xi32>
//       CHECK:   %[[F:.+]] = graph.cast %[[I]]
//       CHECK:   graph.mul %[[F]]
//       CHECK:   graph.add
//   CHECK-NOT:   graph.relu
//       CHECK:   graph.quantize
//       CHECK:   graph.max_pool {{.*}} : tensor<1x32x8x8xui8>
//   CHECK-NOT:   graph.dequantize
// REGION-LABEL: func @products_of_codes
//       REGION:   graph.dispatch
//  REGION-NEXT:   ^bb0(%{{.+}}: tensor<1x16x8x8xui8>):
//       REGION:     graph.transpose
//       REGION:   graph.dispatch
//       REGION:     graph.integer_conv {{.*}}channels_last
//   REGION-NOT:   graph.dispatch
//       REGION:     graph.cast %{{.+}} : tensor<1x8x8x32xf32> -> tensor<1x8x8x32xui8>
//  REGION-NEXT:     graph.yield
//       REGION:   graph.dispatch
//       REGION:     graph.max_pool {{.*}} : tensor<1x8x8x32xui8>
func.func @products_of_codes(%q: tensor<1x16x8x8xui8>) -> tensor<1x32x4x4xui8> {
  %s = graph.constant dense<0.03> : tensor<f32>
  %z = graph.constant dense<117> : tensor<ui8>
  %zero = graph.constant dense<0> : tensor<ui8>
  %c = graph.constant dense<3> : tensor<32x16x3x3xi8>
  %t = graph.constant dense<0.01> : tensor<32xf32>
  %b = graph.constant dense<0.5> : tensor<32xf32>
  %x = graph.dequantize %q, %s, %z : (tensor<1x16x8x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x16x8x8xf32>
  %w = graph.dequantize %c, %t {axis = 0 : i64} : (tensor<32x16x3x3xi8>, tensor<32xf32>) -> tensor<32x16x3x3xf32>
  %y = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x16x8x8xf32>, tensor<32x16x3x3xf32>, tensor<32xf32>) -> tensor<1x32x8x8xf32>
  %r = graph.relu %y : tensor<1x32x8x8xf32> -> tensor<1x32x8x8xf32>
  %p = graph.max_pool %r {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : tensor<1x32x8x8xf32> -> tensor<1x32x4x4xf32>
  %o = graph.quantize %p, %s, %zero : (tensor<1x32x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x32x4x4xui8>
  return %o : tensor<1x32x4x4xui8>
}

// CHECK-LABEL: func @does_not_raise_where_weights_are_computed
//       CHECK:   graph.matmul
func.func @does_not_raise_where_weights_are_computed(%q: tensor<4x8xui8>, %c: tensor<8x2xi8>) -> tensor<4x2xf32> {
  %s = graph.constant dense<0.03> : tensor<f32>
  %x = graph.dequantize %q, %s : (tensor<4x8xui8>, tensor<f32>) -> tensor<4x8xf32>
  %w = graph.dequantize %c, %s : (tensor<8x2xi8>, tensor<f32>) -> tensor<8x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// A pair that cancels goes; one with another scale stays.
// CHECK-LABEL: func @cancels
//       CHECK:   %[[D:.+]] = graph.dequantize %arg0, %[[S:.+]] :
//       CHECK:   %[[Q:.+]] = graph.quantize %[[D]]
//       CHECK:   return %arg0, %[[Q]]
func.func @cancels(%q: tensor<4xui8>) -> (tensor<4xui8>, tensor<4xui8>) {
  %s = graph.constant dense<0.03> : tensor<f32>
  %t = graph.constant dense<0.04> : tensor<f32>
  %x = graph.dequantize %q, %s : (tensor<4xui8>, tensor<f32>) -> tensor<4xf32>
  %0 = graph.quantize %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  %1 = graph.quantize %x, %t : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  return %0, %1 : tensor<4xui8>, tensor<4xui8>
}

// 255 * 127 * 66311 is below 2^31, one more is not.
// CHECK-LABEL: func @raises_what_32_bits_hold
//       CHECK:   graph.integer_matmul
func.func @raises_what_32_bits_hold(%q: tensor<4x66311xui8>) -> tensor<4x2xf32> {
  %s = graph.constant dense<0.03> : tensor<f32>
  %c = graph.constant dense<127> : tensor<66311x2xi8>
  %x = graph.dequantize %q, %s : (tensor<4x66311xui8>, tensor<f32>) -> tensor<4x66311xf32>
  %w = graph.dequantize %c, %s : (tensor<66311x2xi8>, tensor<f32>) -> tensor<66311x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x66311xf32>, tensor<66311x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @does_not_raise_what_would_wrap
//   CHECK-NOT:   graph.integer_matmul
//       CHECK:   graph.matmul
func.func @does_not_raise_what_would_wrap(%q: tensor<4x66312xui8>) -> tensor<4x2xf32> {
  %s = graph.constant dense<0.03> : tensor<f32>
  %c = graph.constant dense<127> : tensor<66312x2xi8>
  %x = graph.dequantize %q, %s : (tensor<4x66312xui8>, tensor<f32>) -> tensor<4x66312xf32>
  %w = graph.dequantize %c, %s : (tensor<66312x2xi8>, tensor<f32>) -> tensor<66312x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x66312xf32>, tensor<66312x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// The weights of one output count, and the zero point: with 128 in the middle the largest |x| is 128.
// CHECK-LABEL: func @raises_deep_convolutions_of_centred_numbers
//       CHECK:   graph.integer_conv
// CHECK-LABEL: func @does_not_raise_convolutions_that_would_wrap
//   CHECK-NOT:   graph.integer_conv
//       CHECK:   graph.conv
func.func @raises_deep_convolutions_of_centred_numbers(%q: tensor<1x2048x7x7xui8>) -> tensor<1x4x1x1xf32> {
  %s = graph.constant dense<0.03> : tensor<f32>
  %z = graph.constant dense<128> : tensor<ui8>
  %c = graph.constant dense<127> : tensor<4x2048x7x7xi8>
  %x = graph.dequantize %q, %s, %z : (tensor<1x2048x7x7xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2048x7x7xf32>
  %w = graph.dequantize %c, %s : (tensor<4x2048x7x7xi8>, tensor<f32>) -> tensor<4x2048x7x7xf32>
  %y = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x2048x7x7xf32>, tensor<4x2048x7x7xf32>) -> tensor<1x4x1x1xf32>
  return %y : tensor<1x4x1x1xf32>
}
func.func @does_not_raise_convolutions_that_would_wrap(%q: tensor<1x2048x7x7xui8>) -> tensor<1x4x1x1xf32> {
  %s = graph.constant dense<0.03> : tensor<f32>
  %z = graph.constant dense<0> : tensor<ui8>
  %c = graph.constant dense<127> : tensor<4x2048x7x7xi8>
  %x = graph.dequantize %q, %s, %z : (tensor<1x2048x7x7xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2048x7x7xf32>
  %w = graph.dequantize %c, %s : (tensor<4x2048x7x7xi8>, tensor<f32>) -> tensor<4x2048x7x7xf32>
  %y = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x2048x7x7xf32>, tensor<4x2048x7x7xf32>) -> tensor<1x4x1x1xf32>
  return %y : tensor<1x4x1x1xf32>
}
