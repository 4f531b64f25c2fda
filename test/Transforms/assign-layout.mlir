// RUN: tenon-opt %s -pass-pipeline='builtin.module(func.func(tenon-assign-layout,canonicalize,tenon-fold-constants))' -split-input-file | FileCheck %s

// One transpose at each end, none between.
// CHECK-LABEL: func @moves_transposes_to_the_border
//       CHECK:   graph.transpose %{{.+}} {perm = array<i64: 0, 2, 3, 1>}
//  CHECK-NEXT:   graph.conv {{.*}}channels_last
//  CHECK-NEXT:   graph.relu
//  CHECK-NEXT:   graph.max_pool {{.*}}channels_last
//  CHECK-NEXT:   graph.transpose %{{.+}} {perm = array<i64: 0, 3, 1, 2>}
//  CHECK-NEXT:   return
func.func @moves_transposes_to_the_border(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>) -> tensor<1x4x4x4xf32> {
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = graph.relu %0 : tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  %2 = graph.max_pool %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
  return %2 : tensor<1x4x4x4xf32>
}

// -----

// CHECK-LABEL: func @moves_a_constant_per_channel_along
//   CHECK-DAG:   %[[C:.+]] = graph.constant dense<{{.*}}> : tensor<1x1x1x4xf32>
//       CHECK:   graph.conv
//       CHECK:   graph.add %{{.+}}, %[[C]]
//       CHECK:   graph.reduce_mean %{{.+}} {axes = array<i64: 1, 2>, keepdims = false}
//   CHECK-NOT:   graph.transpose
func.func @moves_a_constant_per_channel_along(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>) -> tensor<1x4xf32> {
  %c = graph.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = graph.add %0, %c : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %2 = graph.reduce_mean %1 {axes = array<i64: 2, 3>, keepdims = false} : tensor<1x4x8x8xf32> -> tensor<1x4xf32>
  return %2 : tensor<1x4xf32>
}

// -----

// Neither operand may pull its transpose out at the price of one on the other, for ever.
// CHECK-LABEL: func @terminates_where_both_operands_are_cheap
//       CHECK:   graph.mul
func.func @terminates_where_both_operands_are_cheap(%x: tensor<1x1x1x4xf32>, %y: tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32> {
  %0 = graph.transpose %x {perm = array<i64: 0, 3, 1, 2>} : tensor<1x1x1x4xf32> -> tensor<1x4x1x1xf32>
  %1 = graph.mul %0, %y : (tensor<1x4x1x1xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %1 : tensor<1x4x1x1xf32>
}

// -----

// CHECK-LABEL: func @keeps_an_operand_that_would_need_a_transpose
//       CHECK:   graph.transpose
//       CHECK:   graph.add
//   CHECK-NOT:   graph.transpose
func.func @keeps_an_operand_that_would_need_a_transpose(%x: tensor<1x8x8x4xf32>, %y: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %0 = graph.transpose %x {perm = array<i64: 0, 3, 1, 2>} : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = graph.add %0, %y : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  return %1 : tensor<1x4x8x8xf32>
}

// -----

// CHECK-LABEL: func @turns_a_tiling_conv_transpose_into_conv
//   CHECK-NOT:   graph.conv_transpose
//       CHECK:   graph.conv {{.*}}channels_last
//       CHECK:   graph.transpose %{{.+}} {perm = array<i64: 0, 1, 3, 2, 4, 5>}
func.func @turns_a_tiling_conv_transpose_into_conv(%x: tensor<1x3x8x8xf32>, %w: tensor<3x4x2x2xf32>) -> tensor<1x4x16x16xf32> {
  %0 = graph.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, group = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<3x4x2x2xf32>) -> tensor<1x4x16x16xf32>
  return %0 : tensor<1x4x16x16xf32>
}

// -----

// CHECK-LABEL: func.func @moves_unit_dimensions_by_reshape
//   CHECK-NOT:   graph.transpose
//       CHECK:   graph.reshape %{{.+}} : tensor<4x1x5xf32> -> tensor<1x4x5xf32>
func.func @moves_unit_dimensions_by_reshape(%x: tensor<4x1x5xf32>) -> tensor<1x4x5xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0, 2>} : tensor<4x1x5xf32> -> tensor<1x4x5xf32>
  return %0 : tensor<1x4x5xf32>
}

// -----

// CHECK-LABEL: func.func @keeps_transpose_of_larger_dimensions
//       CHECK:   graph.transpose
func.func @keeps_transpose_of_larger_dimensions(%x: tensor<?x3x1xf32, #graph.shape<[N, 3, 1]>>) -> tensor<3x?x1xf32, #graph.shape<[3, N, 1]>> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0, 2>} : tensor<?x3x1xf32, #graph.shape<[N, 3, 1]>> -> tensor<3x?x1xf32, #graph.shape<[3, N, 1]>>
  return %0 : tensor<3x?x1xf32, #graph.shape<[3, N, 1]>>
}
