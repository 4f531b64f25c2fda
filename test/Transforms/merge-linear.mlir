// RUN: tenon-opt %s -pass-pipeline="builtin.module(func.func(tenon-merge-linear,tenon-fold-constants))" -split-input-file | FileCheck %s
// RUN: tenon-opt %s -pass-pipeline="builtin.module(func.func(tenon-merge-linear{parallel=true},tenon-fold-constants))" -split-input-file | FileCheck %s --check-prefix=PARALLEL

// x (w1 w2) + b w2, all of it known.
// CHECK-LABEL: func @merges_products_in_a_row
//       CHECK:   %[[W:.+]] = graph.constant dense<8.000000e+00> : tensor<2x2xf32>
//       CHECK:   %[[Y:.+]] = graph.matmul %arg0, %[[W]]
//       CHECK:   %[[B:.+]] = graph.constant dense<1.200000e+01> : tensor<2xf32>
//       CHECK:   graph.add %[[Y]], %[[B]]
//   CHECK-NOT:   graph.matmul
func.func @merges_products_in_a_row(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w1 = graph.constant dense<1.0> : tensor<2x4xf32>
  %b = graph.constant dense<1.5> : tensor<4xf32>
  %w2 = graph.constant dense<2.0> : tensor<4x2xf32>
  %0 = graph.matmul %x, %w1 : (tensor<3x2xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %1 = graph.add %0, %b : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %2 = graph.matmul %1, %w2 : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// -----

// A weight of low rank stays two.
// CHECK-LABEL: func @keeps_low_rank
//       CHECK:   graph.matmul
//       CHECK:   graph.matmul
func.func @keeps_low_rank(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %w1 = graph.constant dense<1.0> : tensor<8x2xf32>
  %w2 = graph.constant dense<2.0> : tensor<2x8xf32>
  %0 = graph.matmul %x, %w1 : (tensor<3x8xf32>, tensor<8x2xf32>) -> tensor<3x2xf32>
  %1 = graph.matmul %0, %w2 : (tensor<3x2xf32>, tensor<2x8xf32>) -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// CHECK-LABEL: func @keeps_what_is_read_twice
//       CHECK:   graph.matmul
//       CHECK:   graph.matmul
func.func @keeps_what_is_read_twice(%x: tensor<3x2xf32>) -> (tensor<3x8xf32>, tensor<3x2xf32>) {
  %w1 = graph.constant dense<1.0> : tensor<2x8xf32>
  %w2 = graph.constant dense<2.0> : tensor<8x2xf32>
  %0 = graph.matmul %x, %w1 : (tensor<3x2xf32>, tensor<2x8xf32>) -> tensor<3x8xf32>
  %1 = graph.matmul %0, %w2 : (tensor<3x8xf32>, tensor<8x2xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<3x8xf32>, tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @merges_pointwise
//   CHECK-DAG:   dense<2.400000e+01> : tensor<1x1x3x3xf32>
//   CHECK-DAG:   dense<2.500000e+01> : tensor<1xf32>
//       CHECK:   graph.conv %arg0, {{.*}} pads = array<i64: 1, 1, 1, 1>
//   CHECK-NOT:   graph.conv
func.func @merges_pointwise(%x: tensor<1x1x5x5xf32>) -> tensor<1x1x5x5xf32> {
  %w1 = graph.constant dense<2.0> : tensor<4x1x3x3xf32>
  %b1 = graph.constant dense<2.0> : tensor<4xf32>
  %w2 = graph.constant dense<3.0> : tensor<1x4x1x1xf32>
  %b2 = graph.constant dense<1.0> : tensor<1xf32>
  %0 = graph.conv %x, %w1, %b1 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x1x5x5xf32>, tensor<4x1x3x3xf32>, tensor<4xf32>) -> tensor<1x4x5x5xf32>
  %1 = graph.conv %0, %w2, %b2 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<1x4x1x1xf32>, tensor<1xf32>) -> tensor<1x1x5x5xf32>
  return %1 : tensor<1x1x5x5xf32>
}

// -----

// CHECK-LABEL: func @folds_scales
//   CHECK-DAG:   dense<{{\[\[}}3.000000e+01, 6.000000e+01], [4.000000e+01, 8.000000e+01]]> : tensor<2x2xf32>
//   CHECK-NOT:   graph.mul
//       CHECK:   graph.matmul %arg0
//   CHECK-NOT:   graph.mul
func.func @folds_scales(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %before = graph.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %after = graph.constant dense<[[10.0, 20.0]]> : tensor<1x2xf32>
  %w = graph.constant dense<1.0> : tensor<2x2xf32>
  %0 = graph.mul %x, %before : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %1 = graph.matmul %0, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %2 = graph.mul %1, %after : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func @folds_a_scale_into_a_convolution
//   CHECK-DAG:   dense<{{\[\[\[\[}}2.000000e+00]]], {{\[\[\[}}3.000000e+00]]]]> : tensor<2x1x1x1xf32>
//   CHECK-DAG:   dense<[1.000000e+01, 1.500000e+01]> : tensor<2xf32>
//   CHECK-NOT:   graph.mul
func.func @folds_a_scale_into_a_convolution(%x: tensor<1x1x5x5xf32>) -> tensor<1x2x5x5xf32> {
  %w = graph.constant dense<1.0> : tensor<2x1x1x1xf32>
  %b = graph.constant dense<5.0> : tensor<2xf32>
  %s = graph.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %0 = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x1x5x5xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x5x5xf32>
  %1 = graph.mul %0, %s : (tensor<1x2x5x5xf32>, tensor<2x1x1xf32>) -> tensor<1x2x5x5xf32>
  return %1 : tensor<1x2x5x5xf32>
}

// -----

// A scale for each row is none for each channel.
// CHECK-LABEL: func @keeps_other_scales
//       CHECK:   graph.mul
func.func @keeps_other_scales(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = graph.constant dense<1.0> : tensor<2x2xf32>
  %s = graph.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %0 = graph.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = graph.mul %0, %s : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @merges_equal_branches
//       CHECK:   %[[Y:.+]] = graph.matmul
//   CHECK-NOT:   graph.matmul
//       CHECK:   graph.add %[[Y]], %[[Y]]
func.func @merges_equal_branches(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = graph.constant dense_resource<w> : tensor<2x2xf32>
  %v = graph.constant dense_resource<v> : tensor<2x2xf32>
  %0 = graph.matmul %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = graph.matmul %x, %v : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %2 = graph.add %0, %1 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}
{-#
  dialect_resources: {
    builtin: {
      w: "0x040000000000803F000000400000404000008040",
      v: "0x040000000000803F000000400000404000008040"
    }
  }
#-}

// -----

// CHECK-LABEL: func @merges_parallel_products_on_request
// CHECK-COUNT-2: graph.matmul
// PARALLEL-LABEL: func @merges_parallel_products_on_request
//       PARALLEL:   %[[W:.+]] = graph.constant {{.*}} : tensor<2x5xf32>
//       PARALLEL:   %[[Y:.+]] = graph.matmul %arg0, %[[W]]
//   PARALLEL-NOT:   graph.matmul
//       PARALLEL:   graph.slice %[[Y]] from <[0, 0]> {{.*}} -> tensor<3x2xf32>
//       PARALLEL:   graph.slice %[[Y]] from <[0, 2]> {{.*}} -> tensor<3x3xf32>
func.func @merges_parallel_products_on_request(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x3xf32>) {
  %w = graph.constant dense<1.0> : tensor<2x2xf32>
  %0 = graph.matmul %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %v = graph.constant dense<2.0> : tensor<2x3xf32>
  %1 = graph.matmul %x, %v : (tensor<3x2xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<3x3xf32>
}
