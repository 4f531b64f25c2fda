// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK-LABEL: func @by_number
//       CHECK:   graph.quantize %arg0, %arg1, %arg2 : (tensor<4x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x8xui8>
//       CHECK:   graph.dequantize %{{.+}}, %arg1, %arg2 : (tensor<4x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x8xf32>
func.func @by_number(%x: tensor<4x8xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<4x8xf32> {
  %0 = graph.quantize %x, %s, %z : (tensor<4x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x8xui8>
  %1 = graph.dequantize %0, %s, %z : (tensor<4x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func @by_axis_and_block
//       CHECK:   graph.quantize %arg0, %arg1 {axis = 0 : i64, saturate = false}
//       CHECK:   graph.dequantize %arg3, %arg2 {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x8xi4>, tensor<2x8xf32>) -> tensor<4x8xf32>
func.func @by_axis_and_block(%x: tensor<4x8xf32>, %s: tensor<4xf32>, %b: tensor<2x8xf32>, %q: tensor<4x8xi4>) -> (tensor<4x8xf8E4M3FN>, tensor<4x8xf32>) {
  %0 = graph.quantize %x, %s {axis = 0 : i64, saturate = false} : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf8E4M3FN>
  %1 = graph.dequantize %q, %b {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x8xi4>, tensor<2x8xf32>) -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf8E4M3FN>, tensor<4x8xf32>
}

// CHECK-LABEL: func @products
//       CHECK:   graph.integer_matmul %arg0, %arg1 x_zero %arg2 w_zero %arg3 {transpose_w} : (tensor<3x4x8xui8>, tensor<2x8xi8>, tensor<4x1xui8>, tensor<2xi8>) -> tensor<3x4x2xi32>
//       CHECK:   graph.integer_matmul %arg0, %{{.+}} : (tensor<3x4x8xui8>, tensor<8x2xi8>) -> tensor<3x4x2xi32>
func.func @products(%x: tensor<3x4x8xui8>, %w: tensor<2x8xi8>, %xz: tensor<4x1xui8>, %wz: tensor<2xi8>, %v: tensor<8x2xi8>) -> (tensor<3x4x2xi32>, tensor<3x4x2xi32>) {
  %0 = graph.integer_matmul %x, %w x_zero %xz w_zero %wz {transpose_w} : (tensor<3x4x8xui8>, tensor<2x8xi8>, tensor<4x1xui8>, tensor<2xi8>) -> tensor<3x4x2xi32>
  %1 = graph.integer_matmul %x, %v : (tensor<3x4x8xui8>, tensor<8x2xi8>) -> tensor<3x4x2xi32>
  return %0, %1 : tensor<3x4x2xi32>, tensor<3x4x2xi32>
}

// CHECK-LABEL: func @convolution
//       CHECK:   graph.integer_conv %arg0, %arg1 w_zero %arg2 {channels_last, {{.*}}} : (tensor<1x5x5x4xui8>, tensor<6x2x3x3xi8>, tensor<6xi8>) -> tensor<1x3x3x6xi32>
func.func @convolution(%x: tensor<1x5x5x4xui8>, %w: tensor<6x2x3x3xi8>, %z: tensor<6xi8>) -> tensor<1x3x3x6xi32> {
  %0 = graph.integer_conv %x, %w w_zero %z {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 2 : i64, channels_last} : (tensor<1x5x5x4xui8>, tensor<6x2x3x3xi8>, tensor<6xi8>) -> tensor<1x3x3x6xi32>
  return %0 : tensor<1x3x3x6xi32>
}

// CHECK-LABEL: func @sparse
//       CHECK:   graph.unpack_2to4 %arg0, %arg1 : (tensor<4x8xf32>, tensor<2x8xui4>) -> tensor<8x8xf32>
func.func @sparse(%v: tensor<4x8xf32>, %i: tensor<2x8xui4>) -> tensor<8x8xf32> {
  %0 = graph.unpack_2to4 %v, %i : (tensor<4x8xf32>, tensor<2x8xui4>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}
