// RUN: tenon-opt %s -tenon-gather-small-tables | FileCheck %s
// RUN: tenon-opt %s -tenon-phase-dispatch | FileCheck %s --check-prefix=DISPATCH

// CHECK-LABEL: func @one_scale
//       CHECK:   %[[ROWS:.+]] = graph.gather %{{.+}}, %arg0 {axis = 0 : i64} : (tensor<100x8xi8>, tensor<2x3xi64>)
//       CHECK:   graph.dequantize %[[ROWS]]
func.func @one_scale(%i: tensor<2x3xi64>) -> tensor<2x3x8xf32> {
  %q = graph.constant dense<1> : tensor<100x8xi8>
  %s = graph.constant dense<2.0> : tensor<f32>
  %w = graph.dequantize %q, %s : (tensor<100x8xi8>, tensor<f32>) -> tensor<100x8xf32>
  %y = graph.gather %w, %i {axis = 0 : i64} : (tensor<100x8xf32>, tensor<2x3xi64>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}

// CHECK-LABEL: func @scale_of_each_row
//       CHECK:   graph.gather %{{.+}}, %arg0 {axis = 0 : i64} : (tensor<100xf32>, tensor<2x3xi64>)
//       CHECK:   graph.dequantize %{{.+}} {axis = 2 : i64, block_size = 8 : i64} : (tensor<2x3x8xi8>, tensor<2x3x1xf32>)
func.func @scale_of_each_row(%i: tensor<2x3xi64>) -> tensor<2x3x8xf32> {
  %q = graph.constant dense<1> : tensor<100x8xi8>
  %s = graph.constant dense<2.0> : tensor<100xf32>
  %w = graph.dequantize %q, %s {axis = 0 : i64} : (tensor<100x8xi8>, tensor<100xf32>) -> tensor<100x8xf32>
  %y = graph.gather %w, %i {axis = 0 : i64} : (tensor<100x8xf32>, tensor<2x3xi64>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}

// CHECK-LABEL: func @scale_of_each_column
//       CHECK:   graph.dequantize %{{.+}} {axis = 2 : i64} : (tensor<2x3x8xi8>, tensor<8xf32>)
func.func @scale_of_each_column(%i: tensor<2x3xi64>) -> tensor<2x3x8xf32> {
  %q = graph.constant dense<1> : tensor<100x8xi8>
  %s = graph.constant dense<2.0> : tensor<8xf32>
  %w = graph.dequantize %q, %s {axis = 1 : i64} : (tensor<100x8xi8>, tensor<8xf32>) -> tensor<100x8xf32>
  %y = graph.gather %w, %i {axis = 0 : i64} : (tensor<100x8xf32>, tensor<2x3xi64>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}

// The table has two numbers in a byte, and only what is gathered becomes real.
// CHECK-LABEL: func @halves_of_bytes
//       CHECK:   graph.gather %{{.+}} : (tensor<100x32xui8>, tensor<2x3xi64>)
//       CHECK:   graph.dequantize %{{.+}} {axis = 2 : i64, block_size = 32 : i64} : (tensor<2x3x64xui4>, tensor<2x3x2xf32>, tensor<2x3x2xui4>)
// DISPATCH-LABEL: func @halves_of_bytes
//   DISPATCH-NOT:   tensor<100x64x
//       DISPATCH:   graph.constant {{.*}} : tensor<100x32xui8>
//   DISPATCH-NOT:   tensor<100x64x
func.func @halves_of_bytes(%i: tensor<2x3xi64>) -> tensor<2x3x64xf32> {
  %b = graph.constant dense<7> : tensor<100x64xui8>
  %q = graph.bitcast %b : tensor<100x64xui8> -> tensor<100x64xui4>
  %s = graph.constant dense<2.0> : tensor<100x2xf32>
  %c = graph.constant dense<3> : tensor<100x2xui8>
  %z = graph.bitcast %c : tensor<100x2xui8> -> tensor<100x2xui4>
  %w = graph.dequantize %q, %s, %z {axis = 1 : i64, block_size = 32 : i64} : (tensor<100x64xui4>, tensor<100x2xf32>, tensor<100x2xui4>) -> tensor<100x64xf32>
  %y = graph.gather %w, %i {axis = 0 : i64} : (tensor<100x64xf32>, tensor<2x3xi64>) -> tensor<2x3x64xf32>
  return %y : tensor<2x3x64xf32>
}

// CHECK-LABEL: func @rows_that_share_scales
//       CHECK:   graph.dequantize
//       CHECK:   graph.gather %{{.+}} : (tensor<100x8xf32>
func.func @rows_that_share_scales(%i: tensor<2x3xi64>) -> tensor<2x3x8xf32> {
  %q = graph.constant dense<1> : tensor<100x8xi8>
  %s = graph.constant dense<2.0> : tensor<50x8xf32>
  %w = graph.dequantize %q, %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<100x8xi8>, tensor<50x8xf32>) -> tensor<100x8xf32>
  %y = graph.gather %w, %i {axis = 0 : i64} : (tensor<100x8xf32>, tensor<2x3xi64>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}
