// RUN: tenon-opt %s -tenon-fuse-attention -split-input-file | FileCheck %s

// CHECK-LABEL: func @fuses_scale_and_mask
//   CHECK-NOT:   graph.matmul
//       CHECK:   graph.attention %arg0, %arg1, %arg2 mask %arg3 {nan_rows, scale = 2.500000e-01 : f64, softcap = 0.000000e+00 : f64}
//   CHECK-NOT:   graph.softmax
func.func @fuses_scale_and_mask(%q: tensor<1x2x5x16xf32>, %k: tensor<1x2x7x16xf32>, %v: tensor<1x2x7x8xf32>, %m: tensor<5x7xf32>) -> tensor<1x2x5x8xf32> {
  %scale = graph.constant dense<0.25> : tensor<f32>
  %0 = graph.matmul %q, %k {transpose_w} : (tensor<1x2x5x16xf32>, tensor<1x2x7x16xf32>) -> tensor<1x2x5x7xf32>
  %1 = graph.mul %0, %scale : (tensor<1x2x5x7xf32>, tensor<f32>) -> tensor<1x2x5x7xf32>
  %2 = graph.add %m, %1 : (tensor<5x7xf32>, tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %3 = graph.softmax %2 {axis = 3 : i64} : tensor<1x2x5x7xf32> -> tensor<1x2x5x7xf32>
  %4 = graph.matmul %3, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
  return %4 : tensor<1x2x5x8xf32>
}

// -----

// CHECK-LABEL: func @transposes_keys_less
//       CHECK:   %[[K:.+]] = graph.transpose %arg1 {perm = array<i64: 0, 2, 1, 3>}
//       CHECK:   graph.attention %arg0, %[[K]], %arg2 {nan_rows, scale = 1.250000e-01 : f64
func.func @transposes_keys_less(%q: tensor<1x2x5x16xf32>, %k: tensor<1x7x2x16xf32>, %v: tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32> {
  %divisor = graph.constant dense<8.0> : tensor<f32>
  %t = graph.transpose %k {perm = array<i64: 0, 2, 3, 1>} : tensor<1x7x2x16xf32> -> tensor<1x2x16x7xf32>
  %0 = graph.matmul %q, %t : (tensor<1x2x5x16xf32>, tensor<1x2x16x7xf32>) -> tensor<1x2x5x7xf32>
  %1 = graph.div %0, %divisor : (tensor<1x2x5x7xf32>, tensor<f32>) -> tensor<1x2x5x7xf32>
  %3 = graph.softmax %1 {axis = 3 : i64} : tensor<1x2x5x7xf32> -> tensor<1x2x5x7xf32>
  %4 = graph.matmul %3, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
  return %4 : tensor<1x2x5x8xf32>
}

// -----

// CHECK-LABEL: func @keeps_weights_with_two_users
//   CHECK-NOT:   graph.attention
func.func @keeps_weights_with_two_users(%q: tensor<1x2x5x16xf32>, %k: tensor<1x2x7x16xf32>, %v: tensor<1x2x7x8xf32>) -> (tensor<1x2x5x8xf32>, tensor<1x2x5x7xf32>) {
  %0 = graph.matmul %q, %k {transpose_w} : (tensor<1x2x5x16xf32>, tensor<1x2x7x16xf32>) -> tensor<1x2x5x7xf32>
  %3 = graph.softmax %0 {axis = 3 : i64} : tensor<1x2x5x7xf32> -> tensor<1x2x5x7xf32>
  %4 = graph.matmul %3, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
  return %4, %3 : tensor<1x2x5x8xf32>, tensor<1x2x5x7xf32>
}

// -----

// CHECK-LABEL: func @keeps_broadcast_heads
//   CHECK-NOT:   graph.attention
func.func @keeps_broadcast_heads(%q: tensor<1x2x5x16xf32>, %k: tensor<1x1x7x16xf32>, %v: tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32> {
  %0 = graph.matmul %q, %k {transpose_w} : (tensor<1x2x5x16xf32>, tensor<1x1x7x16xf32>) -> tensor<1x2x5x7xf32>
  %3 = graph.softmax %0 {axis = 3 : i64} : tensor<1x2x5x7xf32> -> tensor<1x2x5x7xf32>
  %4 = graph.matmul %3, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
  return %4 : tensor<1x2x5x8xf32>
}

// -----

// A softmax over queries is no attention, nor is a product without transposed keys.
// CHECK-LABEL: func @keeps_other_products
//   CHECK-NOT:   graph.attention
func.func @keeps_other_products(%q: tensor<1x2x5x7xf32>, %k: tensor<1x2x7x7xf32>, %v: tensor<1x2x7x8xf32>) -> (tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) {
  %0 = graph.matmul %q, %k {transpose_w} : (tensor<1x2x5x7xf32>, tensor<1x2x7x7xf32>) -> tensor<1x2x5x7xf32>
  %1 = graph.softmax %0 {axis = 2 : i64} : tensor<1x2x5x7xf32> -> tensor<1x2x5x7xf32>
  %2 = graph.matmul %1, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
  %3 = graph.matmul %q, %k : (tensor<1x2x5x7xf32>, tensor<1x2x7x7xf32>) -> tensor<1x2x5x7xf32>
  %4 = graph.softmax %3 {axis = 3 : i64} : tensor<1x2x5x7xf32> -> tensor<1x2x5x7xf32>
  %5 = graph.matmul %4, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
  return %2, %5 : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>
}
