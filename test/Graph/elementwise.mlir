// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @unary
//       CHECK:   graph.abs %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.neg %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.exp %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.log %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.sqrt %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.reciprocal %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.erf %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.tanh %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.sin %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.cos %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.floor %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.ceil %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.round %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.relu %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.sigmoid %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
func.func @unary(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  %0 = graph.abs %x : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %1 = graph.neg %0 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %2 = graph.exp %1 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %3 = graph.log %2 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %4 = graph.sqrt %3 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %5 = graph.reciprocal %4 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %6 = graph.erf %5 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %7 = graph.tanh %6 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %8 = graph.sin %7 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %9 = graph.cos %8 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %10 = graph.floor %9 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %11 = graph.ceil %10 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %12 = graph.round %11 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %13 = graph.relu %12 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %14 = graph.sigmoid %13 : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %14 : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: func.func @unary_with_attributes
//       CHECK:   graph.hard_sigmoid %{{.+}} {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64} : tensor<4xf32> -> tensor<4xf32>
//       CHECK:   graph.leaky_relu %{{.+}} {alpha = 1.000000e-02 : f64} : tensor<4xf32> -> tensor<4xf32>
func.func @unary_with_attributes(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = graph.hard_sigmoid %x {alpha = 2.0e-1 : f64, beta = 5.0e-1 : f64} : tensor<4xf32> -> tensor<4xf32>
  %1 = graph.leaky_relu %0 {alpha = 1.0e-2 : f64} : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func.func @binary
//       CHECK:   graph.add %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.sub %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.mul %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.div %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.pow %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.min %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   graph.max %{{.+}}, %{{.+}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
func.func @binary(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>, %y: tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  %0 = graph.add %x, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %1 = graph.sub %0, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %2 = graph.mul %1, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %3 = graph.div %2, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %4 = graph.pow %3, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %5 = graph.min %4, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %6 = graph.max %5, %y : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %6 : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: func.func @logic
//       CHECK:   graph.equal %{{.+}}, %{{.+}} : (tensor<4xi64>, tensor<1xi64>) -> tensor<4xi1>
//       CHECK:   graph.less %{{.+}}, %{{.+}} : (tensor<4xi64>, tensor<1xi64>) -> tensor<4xi1>
//       CHECK:   graph.greater %{{.+}}, %{{.+}} : (tensor<4xi64>, tensor<1xi64>) -> tensor<4xi1>
//       CHECK:   graph.and %{{.+}}, %{{.+}} : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
//       CHECK:   graph.or %{{.+}}, %{{.+}} : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
//       CHECK:   graph.not %{{.+}} : tensor<4xi1> -> tensor<4xi1>
//       CHECK:   graph.where %{{.+}}, %{{.+}}, %{{.+}} : (tensor<4xi1>, tensor<4xi64>, tensor<1xi64>) -> tensor<4xi64>
func.func @logic(%x: tensor<4xi64>, %y: tensor<1xi64>) -> tensor<4xi64> {
  %0 = graph.equal %x, %y : (tensor<4xi64>, tensor<1xi64>) -> tensor<4xi1>
  %1 = graph.less %x, %y : (tensor<4xi64>, tensor<1xi64>) -> tensor<4xi1>
  %2 = graph.greater %x, %y : (tensor<4xi64>, tensor<1xi64>) -> tensor<4xi1>
  %3 = graph.and %0, %1 : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %4 = graph.or %3, %2 : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %5 = graph.not %4 : tensor<4xi1> -> tensor<4xi1>
  %6 = graph.where %5, %x, %y : (tensor<4xi1>, tensor<4xi64>, tensor<1xi64>) -> tensor<4xi64>
  return %6 : tensor<4xi64>
}

// Extents that may be 1 stay symbolic.
// CHECK-LABEL: func.func @symbolic_broadcast
//       CHECK:   graph.add {{.*}} -> tensor<?xf32, #graph.shape<[broadcast(M, N)]>>
func.func @symbolic_broadcast(%x: tensor<?xf32, #graph.shape<[N]>>, %y: tensor<?xf32, #graph.shape<[M]>>) -> tensor<?xf32, #graph.shape<[broadcast(N, M)]>> {
  %0 = graph.add %x, %y : (tensor<?xf32, #graph.shape<[N]>>, tensor<?xf32, #graph.shape<[M]>>) -> tensor<?xf32, #graph.shape<[broadcast(N, M)]>>
  return %0 : tensor<?xf32, #graph.shape<[broadcast(N, M)]>>
}

// CHECK-LABEL: func.func @cast
//       CHECK:   graph.cast %{{.+}} : tensor<4xf32> -> tensor<4xi64>
func.func @cast(%x: tensor<4xf32>) -> tensor<4xi64> {
  %0 = graph.cast %x : tensor<4xf32> -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// CHECK-LABEL: func.func @reductions
//       CHECK:   graph.reduce_sum %{{.+}} {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
//       CHECK:   graph.reduce_mean %{{.+}} {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
//       CHECK:   graph.reduce_prod %{{.+}} {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
//       CHECK:   graph.reduce_max %{{.+}} {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
//       CHECK:   graph.reduce_min %{{.+}} {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
func.func @reductions(%x: tensor<2x3x4xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %0 = graph.reduce_sum %x {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
  %1 = graph.reduce_mean %x {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
  %2 = graph.reduce_prod %x {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
  %3 = graph.reduce_max %x {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
  %4 = graph.reduce_min %x {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x4xf32> -> tensor<3xf32>
  return %0, %1, %2, %3, %4 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func.func @reduction_keeps_dims
//       CHECK:   graph.reduce_max %{{.+}} {axes = array<i64: 0>, keepdims = true} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<1x4xf32>
func.func @reduction_keeps_dims(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<1x4xf32> {
  %0 = graph.reduce_max %x {axes = array<i64: 0>, keepdims = true} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}
