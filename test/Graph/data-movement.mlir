// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @constant
//       CHECK:   graph.constant dense<[1, 2]> : tensor<2xi64>
//       CHECK:   graph.constant dense_resource<weights> : tensor<2xf32>
func.func @constant() -> (tensor<2xi64>, tensor<2xf32>) {
  %0 = graph.constant dense<[1, 2]> : tensor<2xi64>
  %1 = graph.constant dense_resource<weights> : tensor<2xf32>
  return %0, %1 : tensor<2xi64>, tensor<2xf32>
}

// CHECK-LABEL: func.func @range
//       CHECK:   graph.range <N + 1> step -2 : tensor<?xi64, #graph.shape<[M]>>
func.func @range(%x: tensor<?x?xf32, #graph.shape<[N, M]>>) -> tensor<?xi64, #graph.shape<[M]>> {
  %0 = graph.range <N + 1> step -2 : tensor<?xi64, #graph.shape<[M]>>
  return %0 : tensor<?xi64, #graph.shape<[M]>>
}

// CHECK-LABEL: func.func @dims
//       CHECK:   graph.dims <[N, 4 * N]> : tensor<2xi64>
//       CHECK:   graph.dims <[N]> : tensor<i64>
func.func @dims(%x: tensor<?xf32, #graph.shape<[N]>>) -> (tensor<2xi64>, tensor<i64>) {
  %0 = graph.dims <[N, 4 * N]> : tensor<2xi64>
  %1 = graph.dims <[N]> : tensor<i64>
  return %0, %1 : tensor<2xi64>, tensor<i64>
}

// CHECK-LABEL: func.func @reshape
//       CHECK:   graph.reshape %{{.+}} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?xf32, #graph.shape<[4 * N]>>
func.func @reshape(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?xf32, #graph.shape<[4 * N]>> {
  %0 = graph.reshape %x : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?xf32, #graph.shape<[4 * N]>>
  return %0 : tensor<?xf32, #graph.shape<[4 * N]>>
}

// CHECK-LABEL: func.func @transpose
//       CHECK:   graph.transpose %{{.+}} {perm = array<i64: 1, 0>} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<4x?xf32, #graph.shape<[4, N]>>
func.func @transpose(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<4x?xf32, #graph.shape<[4, N]>> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<4x?xf32, #graph.shape<[4, N]>>
  return %0 : tensor<4x?xf32, #graph.shape<[4, N]>>
}

// CHECK-LABEL: func.func @expand
//       CHECK:   graph.expand %{{.+}} : tensor<1x4xf32> -> tensor<2x3x4xf32>
func.func @expand(%x: tensor<1x4xf32>) -> tensor<2x3x4xf32> {
  %0 = graph.expand %x : tensor<1x4xf32> -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// CHECK-LABEL: func.func @concat
//       CHECK:   graph.concat %{{.+}}, %{{.+}} {axis = 0 : i64} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<2x4xf32>) -> tensor<?x4xf32, #graph.shape<[N + 2, 4]>>
func.func @concat(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>, %y: tensor<2x4xf32>) -> tensor<?x4xf32, #graph.shape<[N + 2, 4]>> {
  %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<?x4xf32, #graph.shape<[N, 4]>>, tensor<2x4xf32>) -> tensor<?x4xf32, #graph.shape<[N + 2, 4]>>
  return %0 : tensor<?x4xf32, #graph.shape<[N + 2, 4]>>
}

// CHECK-LABEL: func.func @slice
//       CHECK:   graph.slice %{{.+}} from <[N + -1, 0]> {steps = array<i64: -1, 2>} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x2xf32, #graph.shape<[N, 2]>>
func.func @slice(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x2xf32, #graph.shape<[N, 2]>> {
  %0 = graph.slice %x from <[N + -1, 0]> {steps = array<i64: -1, 2>} : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x2xf32, #graph.shape<[N, 2]>>
  return %0 : tensor<?x2xf32, #graph.shape<[N, 2]>>
}

// CHECK-LABEL: func.func @pad
//       CHECK:   graph.pad %{{.+}} {begins = array<i64: 0, 1>, ends = array<i64: 2, 0>, mode = "constant", value = 0.000000e+00 : f64} : tensor<3x4xf32> -> tensor<5x5xf32>
func.func @pad(%x: tensor<3x4xf32>) -> tensor<5x5xf32> {
  %0 = graph.pad %x {begins = array<i64: 0, 1>, ends = array<i64: 2, 0>, mode = "constant", value = 0.0 : f64} : tensor<3x4xf32> -> tensor<5x5xf32>
  return %0 : tensor<5x5xf32>
}

// CHECK-LABEL: func.func @gather
//       CHECK:   graph.gather %{{.+}}, %{{.+}} {axis = 1 : i64} : (tensor<3x4xf32>, tensor<?x2xi64, #graph.shape<[N, 2]>>) -> tensor<3x?x2xf32, #graph.shape<[3, N, 2]>>
func.func @gather(%x: tensor<3x4xf32>, %i: tensor<?x2xi64, #graph.shape<[N, 2]>>) -> tensor<3x?x2xf32, #graph.shape<[3, N, 2]>> {
  %0 = graph.gather %x, %i {axis = 1 : i64} : (tensor<3x4xf32>, tensor<?x2xi64, #graph.shape<[N, 2]>>) -> tensor<3x?x2xf32, #graph.shape<[3, N, 2]>>
  return %0 : tensor<3x?x2xf32, #graph.shape<[3, N, 2]>>
}

// CHECK-LABEL: func.func @dispatch
//       CHECK:   graph.dispatch(%{{.+}}, %{{.+}}) {
//  CHECK-NEXT:   ^bb0(%[[A:.+]]: tensor<4x8xf32>, %[[B:.+]]: tensor<8x2xf32>):
//  CHECK-NEXT:     %[[Y:.+]] = graph.matmul %[[A]], %[[B]]
//  CHECK-NEXT:     graph.yield %[[Y]] : tensor<4x2xf32>
//  CHECK-NEXT:   } {formats = ["", "gemm"]} : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
func.func @dispatch(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>) -> tensor<4x2xf32> {
  %0 = graph.dispatch(%x, %w) {
  ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>):
    %1 = graph.matmul %a, %b : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    graph.yield %1 : tensor<4x2xf32>
  } {formats = ["", "gemm"]} : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      weights: "0x040000000000803F00000040"
    }
  }
#-}
