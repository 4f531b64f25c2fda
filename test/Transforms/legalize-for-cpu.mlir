// RUN: tenon-opt %s -tenon-legalize-for-cpu | FileCheck %s
// RUN: tenon-opt %s -tenon-legalize-for-cpu -tenon-legalize-for-cpu | FileCheck %s

// CHECK-LABEL: func @half_is_computed_in_f32
//       CHECK:   %[[X:.+]] = graph.cast %arg0 : tensor<4xf16> -> tensor<4xf32>
//       CHECK:   %[[E:.+]] = graph.exp %[[X]] : tensor<4xf32>
//       CHECK:   %[[R:.+]] = graph.cast %[[E]] : tensor<4xf32> -> tensor<4xf16>
//       CHECK:   return %[[R]]
func.func @half_is_computed_in_f32(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = graph.exp %x : tensor<4xf16> -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// CHECK-LABEL: func @softmax_of_f16_rounds_each_step
//       CHECK:   graph.reduce_max
//       CHECK:   %[[E:.+]] = graph.exp
//       CHECK:   graph.cast %[[E]] : tensor<4x5xf32> -> tensor<4x5xf16>
//       CHECK:   %[[S:.+]] = graph.reduce_sum
//       CHECK:   graph.cast %[[S]] : tensor<4x1xf32> -> tensor<4x1xf16>
//       CHECK:   graph.div
func.func @softmax_of_f16_rounds_each_step(%x: tensor<4x5xf16>) -> tensor<4x5xf16> {
  %0 = graph.softmax %x {axis = 1 : i64} : tensor<4x5xf16> -> tensor<4x5xf16>
  return %0 : tensor<4x5xf16>
}

// CHECK-LABEL: func @choices_of_half_are_moves
//   CHECK-NOT:   graph.cast
func.func @choices_of_half_are_moves(%c: tensor<4xi1>, %x: tensor<4xbf16>, %y: tensor<bf16>) -> tensor<4xbf16> {
  %0 = graph.where %c, %x, %y : (tensor<4xi1>, tensor<4xbf16>, tensor<bf16>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// CHECK-LABEL: func @half_is_moved_as_it_is
//   CHECK-NOT:   graph.cast
func.func @half_is_moved_as_it_is(%x: tensor<4x5xbf16>) -> tensor<5x4xbf16> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : tensor<4x5xbf16> -> tensor<5x4xbf16>
  return %0 : tensor<5x4xbf16>
}

// CHECK-LABEL: func @casts_of_half_go_by_f32
//       CHECK:   %[[W:.+]] = graph.cast %arg0 : tensor<4xf64> -> tensor<4xf32>
//       CHECK:   graph.cast %[[W]] : tensor<4xf32> -> tensor<4xf16>
func.func @casts_of_half_go_by_f32(%x: tensor<4xf64>) -> tensor<4xf16> {
  %0 = graph.cast %x : tensor<4xf64> -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// CHECK-LABEL: func @products_of_integers_are_sums
//       CHECK:   %[[X:.+]] = graph.reshape %arg0 : tensor<2x3xi32> -> tensor<2x3x1xi32>
//       CHECK:   %[[W:.+]] = graph.reshape %arg1 : tensor<3x4xi32> -> tensor<1x3x4xi32>
//       CHECK:   %[[P:.+]] = graph.mul %[[X]], %[[W]]
//       CHECK:   graph.reduce_sum %[[P]] {axes = array<i64: 1>, keepdims = false}
//   CHECK-NOT:   graph.matmul
func.func @products_of_integers_are_sums(%x: tensor<2x3xi32>, %w: tensor<3x4xi32>) -> tensor<2x4xi32> {
  %0 = graph.matmul %x, %w : (tensor<2x3xi32>, tensor<3x4xi32>) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// CHECK-LABEL: func @keeps_products_of_f32
//       CHECK:   graph.matmul
func.func @keeps_products_of_f32(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = graph.matmul %x, %w : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Two elements become seven: a zero between them, and two on either side for the window of three.
// CHECK-LABEL: func @transposed_convolution
//       CHECK:   %[[S:.+]] = graph.reshape %{{.+}} : tensor<1x1x2x2xf32> -> tensor<1x1x4xf32>
//       CHECK:   graph.slice {{.*}}steps = array<i64: 1, 1, -1>
//       CHECK:   graph.conv %[[S]], %{{.+}} {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 2, 1>, strides = array<i64: 1>} : {{.*}} -> tensor<1x1x5xf32>
//   CHECK-NOT:   graph.conv_transpose
func.func @transposed_convolution(%x: tensor<1x1x2xf32>, %w: tensor<1x1x3xf32>) -> tensor<1x1x5xf32> {
  %0 = graph.conv_transpose %x, %w {dilations = array<i64: 1>, group = 1 : i64, output_padding = array<i64: 0>, pads = array<i64: 0, 0>, strides = array<i64: 2>} : (tensor<1x1x2xf32>, tensor<1x1x3xf32>) -> tensor<1x1x5xf32>
  return %0 : tensor<1x1x5xf32>
}

// CHECK-LABEL: func @three_dimensions
// CHECK-COUNT-2: graph.conv %{{.+}}, %{{.+}} {{.*}} : (tensor<?x1x5x6xf32, {{.*}}>, tensor<2x1x3x3xf32>)
//   CHECK-NOT:   graph.conv
func.func @three_dimensions(%x: tensor<?x1x4x5x6xf32, #graph.shape<[N, 1, 4, 5, 6]>>, %w: tensor<2x1x2x3x3xf32>) -> tensor<?x2x3x3x4xf32, #graph.shape<[N, 2, 3, 3, 4]>> {
  %0 = graph.conv %x, %w {dilations = array<i64: 1, 1, 1>, group = 1 : i64, pads = array<i64: 0, 0, 0, 0, 0, 0>, strides = array<i64: 1, 1, 1>} : (tensor<?x1x4x5x6xf32, #graph.shape<[N, 1, 4, 5, 6]>>, tensor<2x1x2x3x3xf32>) -> tensor<?x2x3x3x4xf32, #graph.shape<[N, 2, 3, 3, 4]>>
  return %0 : tensor<?x2x3x3x4xf32, #graph.shape<[N, 2, 3, 3, 4]>>
}

// A sum over channels for each of two taps.
// CHECK-LABEL: func @convolution_of_integers
// CHECK-COUNT-2: graph.reduce_sum
//   CHECK-NOT:   graph.conv
func.func @convolution_of_integers(%x: tensor<1x3x5xi32>, %w: tensor<4x3x2xi32>) -> tensor<1x4x4xi32> {
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<1x3x5xi32>, tensor<4x3x2xi32>) -> tensor<1x4x4xi32>
  return %0 : tensor<1x4x4xi32>
}
