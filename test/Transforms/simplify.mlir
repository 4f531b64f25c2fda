// RUN: tenon-opt %s -pass-pipeline='builtin.module(func.func(tenon-simplify,tenon-fold-constants,canonicalize))' -split-input-file | FileCheck %s

// The weights stay as they are: the scale costs nothing after the sum, and rounding the products would cost accuracy.
// CHECK-LABEL: func @turns_batch_normalization_into_scale_and_shift
//   CHECK-DAG:   %[[W:.+]] = graph.constant dense<1.000000e+00> : tensor<1x1x1x1xf32>
//   CHECK-DAG:   %[[S:.+]] = graph.constant dense<2.000000e+00> : tensor<1x1x1xf32>
//   CHECK-DAG:   %[[T:.+]] = graph.constant dense<-3.000000e+00> : tensor<1x1x1xf32>
//       CHECK:   %[[X:.+]] = graph.conv %{{.+}}, %[[W]]
//       CHECK:   %[[SCALED:.+]] = graph.mul %[[X]], %[[S]]
//       CHECK:   %[[Y:.+]] = graph.add %[[SCALED]], %[[T]]
//   CHECK-NOT:   graph.batch_normalization
//       CHECK:   return %[[Y]]
func.func @turns_batch_normalization_into_scale_and_shift(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %w = graph.constant dense<1.0> : tensor<1x1x1x1xf32>
  %scale = graph.constant dense<4.0> : tensor<1xf32>
  %bias = graph.constant dense<1.0> : tensor<1xf32>
  %mean = graph.constant dense<2.0> : tensor<1xf32>
  %var = graph.constant dense<3.0> : tensor<1xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %1 = graph.batch_normalization %0, %scale, %bias, %mean, %var {epsilon = 1.0 : f64} : (tensor<1x1x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
  return %1 : tensor<1x1x2x2xf32>
}

// -----

// CHECK-LABEL: func @folds_shift_into_conv
//   CHECK-DAG:   %[[B:.+]] = graph.constant dense<[4.000000e+00, 5.000000e+00]> : tensor<2xf32>
//       CHECK:   %[[Y:.+]] = graph.conv %{{.+}}, %{{.+}}, %[[B]]
//       CHECK:   return %[[Y]]
func.func @folds_shift_into_conv(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = graph.constant dense<1.0> : tensor<2x2x1x1xf32>
  %t = graph.constant dense<[[[4.0]], [[5.0]]]> : tensor<2x1x1xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = graph.add %0, %t : (tensor<1x2x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %1 : tensor<1x2x2x2xf32>
}

// -----

// CHECK-LABEL: func @keeps_a_shift_that_varies_along_a_row
//       CHECK:   graph.add
func.func @keeps_a_shift_that_varies_along_a_row(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = graph.constant dense<1.0> : tensor<2x2x1x1xf32>
  %t = graph.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = graph.add %0, %t : (tensor<1x2x2x2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  return %1 : tensor<1x2x2x2xf32>
}

// -----

// CHECK-LABEL: func @keeps_the_shift_of_a_conv_with_two_uses
//       CHECK:   graph.conv
//       CHECK:   graph.add
func.func @keeps_the_shift_of_a_conv_with_two_uses(%x: tensor<1x1x2x2xf32>) -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) {
  %w = graph.constant dense<1.0> : tensor<1x1x1x1xf32>
  %t = graph.constant dense<4.0> : tensor<1x1x1xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %1 = graph.add %0, %t : (tensor<1x1x2x2xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2x2xf32>
  return %0, %1 : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
}

// -----

// CHECK-LABEL: func @folds_transpose_into_matmul
//  CHECK-SAME:   %[[X:.+]]: tensor<4x8xf32>, %[[W:.+]]: tensor<3x8xf32>
//       CHECK:   graph.matmul %[[X]], %[[W]] {transpose_w}
func.func @folds_transpose_into_matmul(%x: tensor<4x8xf32>, %w: tensor<3x8xf32>) -> tensor<4x3xf32> {
  %0 = graph.transpose %w {perm = array<i64: 1, 0>} : tensor<3x8xf32> -> tensor<8x3xf32>
  %1 = graph.matmul %x, %0 : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: func @keeps_a_transpose_of_other_dimensions
//       CHECK:   graph.transpose
//       CHECK:   graph.matmul %{{.+}}, %{{.+}} :
func.func @keeps_a_transpose_of_other_dimensions(%x: tensor<2x4x8xf32>, %w: tensor<8x2x3xf32>) -> tensor<2x4x3xf32> {
  %0 = graph.transpose %w {perm = array<i64: 1, 0, 2>} : tensor<8x2x3xf32> -> tensor<2x8x3xf32>
  %1 = graph.matmul %x, %0 : (tensor<2x4x8xf32>, tensor<2x8x3xf32>) -> tensor<2x4x3xf32>
  return %1 : tensor<2x4x3xf32>
}
