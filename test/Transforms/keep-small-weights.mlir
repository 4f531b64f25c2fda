// RUN: tenon-opt %s -tenon-lower-quantized="keeps-weights" -canonicalize | FileCheck %s
// RUN: tenon-opt %s -tenon-phase-dispatch | FileCheck %s --check-prefix=DISPATCH

// CHECK-LABEL: func @product_of_halves_of_bytes
//       CHECK:   %[[Q:.+]] = graph.constant dense<1> : tensor<64x2xi4>
//       CHECK:   %[[W:.+]] = graph.dequantize %[[Q]]
//       CHECK:   graph.matmul %{{.+}}, %[[W]]
// DISPATCH-LABEL: func @product_of_halves_of_bytes
//       DISPATCH:   graph.dispatch
//       DISPATCH:     graph.dequantize
//       DISPATCH:     graph.matmul
//       DISPATCH:     graph.relu
//       DISPATCH:   formats = ["kn/2", "kn", ""]
func.func @product_of_halves_of_bytes(%x: tensor<4x64xf32>) -> tensor<4x2xf32> {
  %b = graph.constant dense<1> : tensor<64x2xui8>
  %q = graph.bitcast %b : tensor<64x2xui8> -> tensor<64x2xi4>
  %s = graph.constant dense<2.0> : tensor<2x2xf32>
  %w = graph.dequantize %q, %s {axis = 0 : i64, block_size = 32 : i64} : (tensor<64x2xi4>, tensor<2x2xf32>) -> tensor<64x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x64xf32>, tensor<64x2xf32>) -> tensor<4x2xf32>
  %z = graph.relu %y : tensor<4x2xf32> -> tensor<4x2xf32>
  return %z : tensor<4x2xf32>
}

// What two products share each of them decodes; a user that does not decode gets arithmetic.
// CHECK-LABEL: func @shared
//       CHECK:   %[[V:.+]] = graph.mul
//       CHECK:   %[[W:.+]] = graph.dequantize
//       CHECK:   graph.matmul %arg0, %[[W]]
//       CHECK:   graph.matmul %arg1, %[[W]]
//       CHECK:   graph.add %{{.+}}, %[[V]]
// DISPATCH-LABEL: func @shared
// DISPATCH-COUNT-2:   graph.dequantize
//   DISPATCH-NOT:   graph.dequantize
func.func @shared(%x: tensor<4x64xf32>, %z: tensor<1x64xf32>, %t: tensor<64x2xf32>) -> (tensor<4x2xf32>, tensor<1x2xf32>, tensor<64x2xf32>) {
  %q = graph.constant dense<1> : tensor<64x2xi8>
  %s = graph.constant dense<2.0> : tensor<f32>
  %w = graph.dequantize %q, %s : (tensor<64x2xi8>, tensor<f32>) -> tensor<64x2xf32>
  %0 = graph.matmul %x, %w : (tensor<4x64xf32>, tensor<64x2xf32>) -> tensor<4x2xf32>
  %1 = graph.matmul %z, %w : (tensor<1x64xf32>, tensor<64x2xf32>) -> tensor<1x2xf32>
  %2 = graph.add %t, %w : (tensor<64x2xf32>, tensor<64x2xf32>) -> tensor<64x2xf32>
  return %0, %1, %2 : tensor<4x2xf32>, tensor<1x2xf32>, tensor<64x2xf32>
}

// CHECK-LABEL: func @scales_along_the_reduction
//   CHECK-NOT:   graph.dequantize
func.func @scales_along_the_reduction(%x: tensor<4x64xf32>) -> tensor<4x2xf32> {
  %q = graph.constant dense<1> : tensor<64x2xi8>
  %s = graph.constant dense<2.0> : tensor<64xf32>
  %w = graph.dequantize %q, %s {axis = 0 : i64} : (tensor<64x2xi8>, tensor<64xf32>) -> tensor<64x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x64xf32>, tensor<64x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @weights_that_a_run_gives
//   CHECK-NOT:   graph.dequantize
func.func @weights_that_a_run_gives(%x: tensor<4x64xf32>, %q: tensor<64x2xi8>) -> tensor<4x2xf32> {
  %s = graph.constant dense<2.0> : tensor<f32>
  %w = graph.dequantize %q, %s : (tensor<64x2xi8>, tensor<f32>) -> tensor<64x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x64xf32>, tensor<64x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @two_of_four
//       CHECK:   graph.unpack_2to4
// DISPATCH-LABEL: func @two_of_four
//       DISPATCH:   graph.unpack_2to4
//       DISPATCH:   formats = ["kn", "kn/2", ""]
func.func @two_of_four(%x: tensor<4x64xf32>) -> tensor<4x2xf32> {
  %v = graph.constant dense<1.0> : tensor<32x2xf32>
  %b = graph.constant dense<4> : tensor<16x2xui8>
  %i = graph.bitcast %b : tensor<16x2xui8> -> tensor<16x2xui4>
  %w = graph.unpack_2to4 %v, %i : (tensor<32x2xf32>, tensor<16x2xui4>) -> tensor<64x2xf32>
  %y = graph.matmul %x, %w : (tensor<4x64xf32>, tensor<64x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @convolution
//       CHECK:   graph.dequantize
// DISPATCH-LABEL: func @convolution
//       DISPATCH:   graph.dequantize
//       DISPATCH:   graph.conv
//       DISPATCH:   formats = ["oihw", "", ""]
func.func @convolution(%x: tensor<1x8x9x9xf32>) -> tensor<1x4x7x7xf32> {
  %q = graph.constant dense<1> : tensor<4x8x3x3xi8>
  %s = graph.constant dense<2.0> : tensor<4xf32>
  %w = graph.dequantize %q, %s {axis = 0 : i64} : (tensor<4x8x3x3xi8>, tensor<4xf32>) -> tensor<4x8x3x3xf32>
  %y = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x8x9x9xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x7x7xf32>
  return %y : tensor<1x4x7x7xf32>
}

// Layout makes it one of two dimensions.
// DISPATCH-LABEL: func @convolution_of_one_dimension
//       DISPATCH:   graph.constant dense<1> : tensor<4x8x1x5xi4>
//       DISPATCH:   graph.dequantize
//       DISPATCH:   graph.conv
//       DISPATCH:   formats = ["oihw/2", "", ""]
func.func @convolution_of_one_dimension(%x: tensor<1x8x9xf32>) -> tensor<1x4x5xf32> {
  %b = graph.constant dense<1> : tensor<4x8x5xui8>
  %q = graph.bitcast %b : tensor<4x8x5xui8> -> tensor<4x8x5xi4>
  %s = graph.constant dense<2.0> : tensor<4xf32>
  %w = graph.dequantize %q, %s {axis = 0 : i64} : (tensor<4x8x5xi4>, tensor<4xf32>) -> tensor<4x8x5xf32>
  %y = graph.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64} : (tensor<1x8x9xf32>, tensor<4x8x5xf32>) -> tensor<1x4x5xf32>
  return %y : tensor<1x4x5xf32>
}
