// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @matmul
// CHECK-SAME:    (%[[X:.+]]: tensor<?x4x8xf32, #graph.shape<[N, 4, 8]>>, %[[W:.+]]: tensor<8x2xf32>)
//       CHECK:   graph.matmul %[[X]], %[[W]] : (tensor<?x4x8xf32, #graph.shape<[N, 4, 8]>>, tensor<8x2xf32>) -> tensor<?x4x2xf32, #graph.shape<[N, 4, 2]>>
func.func @matmul(%x: tensor<?x4x8xf32, #graph.shape<[N, 4, 8]>>, %w: tensor<8x2xf32>) -> tensor<?x4x2xf32, #graph.shape<[N, 4, 2]>> {
  %0 = graph.matmul %x, %w : (tensor<?x4x8xf32, #graph.shape<[N, 4, 8]>>, tensor<8x2xf32>) -> tensor<?x4x2xf32, #graph.shape<[N, 4, 2]>>
  return %0 : tensor<?x4x2xf32, #graph.shape<[N, 4, 2]>>
}

// CHECK-LABEL: func.func @matmul_of_vectors
//       CHECK:   graph.matmul %{{.+}}, %{{.+}} : (tensor<8xf32>, tensor<8xf32>) -> tensor<f32>
func.func @matmul_of_vectors(%x: tensor<8xf32>, %w: tensor<8xf32>) -> tensor<f32> {
  %0 = graph.matmul %x, %w : (tensor<8xf32>, tensor<8xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @matmul_transposed
//       CHECK:   graph.matmul %{{.+}}, %{{.+}} {transpose_w} : (tensor<4x8xf32>, tensor<3x2x8xf32>) -> tensor<3x4x2xf32>
func.func @matmul_transposed(%x: tensor<4x8xf32>, %w: tensor<3x2x8xf32>) -> tensor<3x4x2xf32> {
  %0 = graph.matmul %x, %w {transpose_w} : (tensor<4x8xf32>, tensor<3x2x8xf32>) -> tensor<3x4x2xf32>
  return %0 : tensor<3x4x2xf32>
}

// The height of the result is (H + 2 - 2 - 1) floordiv 2 + 1 for a 3x3 kernel.
// CHECK-LABEL: func.func @conv
//       CHECK:   graph.conv %{{.+}}, %{{.+}}, %{{.+}} {dilations = array<i64: 1, 1>, group = 1 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
//  CHECK-SAME:     -> tensor<1x8x?x16xf32, #graph.shape<[1, 8, (H + -1) floordiv 2 + 1, 16]>>
func.func @conv(%x: tensor<1x3x?x32xf32, #graph.shape<[1, 3, H, 32]>>, %w: tensor<8x3x3x3xf32>, %b: tensor<8xf32>) -> tensor<1x8x?x16xf32, #graph.shape<[1, 8, (H + -1) floordiv 2 + 1, 16]>> {
  %0 = graph.conv %x, %w, %b {dilations = array<i64: 1, 1>, group = 1 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : (tensor<1x3x?x32xf32, #graph.shape<[1, 3, H, 32]>>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<1x8x?x16xf32, #graph.shape<[1, 8, (H + -1) floordiv 2 + 1, 16]>>
  return %0 : tensor<1x8x?x16xf32, #graph.shape<[1, 8, (H + -1) floordiv 2 + 1, 16]>>
}

// CHECK-LABEL: func.func @conv_channels_last
//       CHECK:   graph.conv %{{.+}}, %{{.+}} {channels_last, dilations = array<i64: 2>, group = 2 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<1x9x4xf32>, tensor<6x2x3xf32>) -> tensor<1x5x6xf32>
func.func @conv_channels_last(%x: tensor<1x9x4xf32>, %w: tensor<6x2x3xf32>) -> tensor<1x5x6xf32> {
  %0 = graph.conv %x, %w {channels_last, dilations = array<i64: 2>, group = 2 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x9x4xf32>, tensor<6x2x3xf32>) -> tensor<1x5x6xf32>
  return %0 : tensor<1x5x6xf32>
}

// CHECK-LABEL: func.func @conv_transpose
//       CHECK:   graph.conv_transpose %{{.+}}, %{{.+}} {{.*}}output_padding = array<i64: 1>{{.*}} -> tensor<?x6x?xf32, #graph.shape<[N, 6, 2 * W + 1]>>
func.func @conv_transpose(%x: tensor<?x4x?xf32, #graph.shape<[N, 4, W]>>, %w: tensor<4x3x2xf32>) -> tensor<?x6x?xf32, #graph.shape<[N, 6, 2 * W + 1]>> {
  %0 = graph.conv_transpose %x, %w {dilations = array<i64: 1>, group = 2 : i64, output_padding = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 2>}
    : (tensor<?x4x?xf32, #graph.shape<[N, 4, W]>>, tensor<4x3x2xf32>) -> tensor<?x6x?xf32, #graph.shape<[N, 6, 2 * W + 1]>>
  return %0 : tensor<?x6x?xf32, #graph.shape<[N, 6, 2 * W + 1]>>
}
