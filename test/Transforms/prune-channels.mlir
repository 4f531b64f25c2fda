// RUN: tenon-opt %s -pass-pipeline="builtin.module(func.func(tenon-prune-channels{multiple=2}))" -split-input-file | FileCheck %s

// The two channels of four with the smallest weights go, with their biases and what reads them.
// CHECK-LABEL: func @shrinks_between_convolutions
//   CHECK-DAG:   dense<{{\[\[\[\[}}3.000000e+00]]], {{\[\[\[}}4.000000e+00]]]]> : tensor<2x1x1x1xf32>
//   CHECK-DAG:   dense<[1.000000e+01, 3.000000e+01]> : tensor<2xf32>
//   CHECK-DAG:   dense<{{\[\[\[\[}}5.000000e+00]], {{\[\[}}7.000000e+00]]]]> : tensor<1x2x1x1xf32>
//       CHECK:   graph.relu {{.*}} : tensor<1x2x8x8xf32>
func.func @shrinks_between_convolutions(%x: tensor<1x1x8x8xf32>) -> tensor<1x1x8x8xf32> {
  %w0 = graph.constant dense<[[[[3.0]]], [[[0.1]]], [[[4.0]]], [[[0.2]]]]> : tensor<4x1x1x1xf32>
  %b0 = graph.constant dense<[10.0, 20.0, 30.0, 40.0]> : tensor<4xf32>
  %w1 = graph.constant dense<[[[[5.0]], [[0.1]], [[7.0]], [[0.2]]]]> : tensor<1x4x1x1xf32>
  %0 = graph.conv %x, %w0, %b0 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x1x8x8xf32>, tensor<4x1x1x1xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %1 = graph.relu %0 : tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  %2 = graph.conv %1, %w1 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<1x4x1x1xf32>) -> tensor<1x1x8x8xf32>
  return %2 : tensor<1x1x8x8xf32>
}

// -----

// A depthwise convolution has fewer groups, a slice another start.
// CHECK-LABEL: func @follows_depthwise_and_slices
//       CHECK:   graph.conv {{.*}} group = 4 : i64
//  CHECK-SAME:   tensor<4x1x3x3xf32>
//       CHECK:   graph.slice {{.*}} from <[0, 2, 0, 0]>
//  CHECK-SAME:   -> tensor<1x2x8x8xf32>
func.func @follows_depthwise_and_slices(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %w0 = graph.constant dense<1.0> : tensor<8x3x1x1xf32>
  %w1 = graph.constant dense<1.0> : tensor<8x1x3x3xf32>
  %w2 = graph.constant dense<1.0> : tensor<3x4x1x1xf32>
  %0 = graph.conv %x, %w0 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<8x3x1x1xf32>) -> tensor<1x8x8x8xf32>
  %1 = graph.conv %0, %w1 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 8 : i64} : (tensor<1x8x8x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x8x8x8xf32>
  %2 = graph.slice %1 from <[0, 0, 0, 0]> {steps = array<i64: 1, 1, 1, 1>} : tensor<1x8x8x8xf32> -> tensor<1x4x8x8xf32>
  %3 = graph.slice %1 from <[0, 4, 0, 0]> {steps = array<i64: 1, 1, 1, 1>} : tensor<1x8x8x8xf32> -> tensor<1x4x8x8xf32>
  %4 = graph.add %2, %3 : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %5 = graph.conv %4, %w2 {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<3x4x1x1xf32>) -> tensor<1x3x8x8xf32>
  return %5 : tensor<1x3x8x8xf32>
}

// -----

// CHECK-LABEL: func @keeps_what_is_returned_or_normalised
//       CHECK:   graph.matmul {{.*}} -> tensor<4x8xf32>
//       CHECK:   graph.matmul {{.*}} -> tensor<4x8xf32>
//       CHECK:   graph.matmul {{.*}} -> tensor<4x8xf32>
func.func @keeps_what_is_returned_or_normalised(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %w = graph.constant dense<1.0> : tensor<8x8xf32>
  %scale = graph.constant dense<1.0> : tensor<8xf32>
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = graph.matmul %0, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %2 = graph.layer_normalization %1, %scale {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %3 = graph.matmul %2, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %0, %3 : tensor<4x8xf32>, tensor<4x8xf32>
}
