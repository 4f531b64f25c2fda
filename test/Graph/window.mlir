// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @max_pool
//       CHECK:   graph.max_pool %{{.+}} {ceil_mode = false, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : tensor<1x8x32x32xf32> -> tensor<1x8x16x16xf32>
func.func @max_pool(%x: tensor<1x8x32x32xf32>) -> tensor<1x8x16x16xf32> {
  %0 = graph.max_pool %x {ceil_mode = false, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : tensor<1x8x32x32xf32> -> tensor<1x8x16x16xf32>
  return %0 : tensor<1x8x16x16xf32>
}

// The result has 3 windows, not 4: the fourth would start in the end padding.
// CHECK-LABEL: func.func @drops_window_in_end_padding
//       CHECK:   graph.max_pool %{{.+}} {ceil_mode = true, channels_last{{.*}} : tensor<1x5x8xf32> -> tensor<1x3x8xf32>
func.func @drops_window_in_end_padding(%x: tensor<1x5x8xf32>) -> tensor<1x3x8xf32> {
  %0 = graph.max_pool %x {ceil_mode = true, channels_last, dilations = array<i64: 1>, kernel = array<i64: 2>, pads = array<i64: 0, 2>, strides = array<i64: 2>}
    : tensor<1x5x8xf32> -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// CHECK-LABEL: func.func @average_pool
//       CHECK:   graph.average_pool %{{.+}} {{.*}}count_include_pad = true{{.*}} -> tensor<?x8x4x4xf32, #graph.shape<[N, 8, 4, 4]>>
func.func @average_pool(%x: tensor<?x8x8x8xf32, #graph.shape<[N, 8, 8, 8]>>) -> tensor<?x8x4x4xf32, #graph.shape<[N, 8, 4, 4]>> {
  %0 = graph.average_pool %x {ceil_mode = false, count_include_pad = true, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>}
    : tensor<?x8x8x8xf32, #graph.shape<[N, 8, 8, 8]>> -> tensor<?x8x4x4xf32, #graph.shape<[N, 8, 4, 4]>>
  return %0 : tensor<?x8x4x4xf32, #graph.shape<[N, 8, 4, 4]>>
}

// CHECK-LABEL: func.func @resize_by_scales
//       CHECK:   graph.resize %{{.+}} {coordinates = "asymmetric", mode = "nearest", rounding = "floor", scales = array<f64: 1.000000e+00, 2.000000e+00>} : tensor<2x?xf32, #graph.shape<[2, W]>> -> tensor<2x?xf32, #graph.shape<[2, 2 * W]>>
func.func @resize_by_scales(%x: tensor<2x?xf32, #graph.shape<[2, W]>>) -> tensor<2x?xf32, #graph.shape<[2, 2 * W]>> {
  %0 = graph.resize %x {coordinates = "asymmetric", mode = "nearest", rounding = "floor", scales = array<f64: 1.0, 2.0>}
    : tensor<2x?xf32, #graph.shape<[2, W]>> -> tensor<2x?xf32, #graph.shape<[2, 2 * W]>>
  return %0 : tensor<2x?xf32, #graph.shape<[2, 2 * W]>>
}

// CHECK-LABEL: func.func @resize_to_sizes
//       CHECK:   graph.resize %{{.+}} {coordinates = "align_corners", mode = "linear", rounding = "round_prefer_ceil"} : tensor<2x3xf32> -> tensor<2x7xf32>
func.func @resize_to_sizes(%x: tensor<2x3xf32>) -> tensor<2x7xf32> {
  %0 = graph.resize %x {coordinates = "align_corners", mode = "linear", rounding = "round_prefer_ceil"} : tensor<2x3xf32> -> tensor<2x7xf32>
  return %0 : tensor<2x7xf32>
}
