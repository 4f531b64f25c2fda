// RUN: tenon-opt %s -tenon-convert-graph-to-linalg -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @relu_keeps_its_extents
//  CHECK-SAME:   %[[X:.+]]: tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   %[[N:.+]] = tensor.dim %[[X]], %{{.+}}
//       CHECK:   %[[EMPTY:.+]] = tensor.empty(%[[N]]) : tensor<?x4xf32, #graph.shape<[N, 4]>>
//       CHECK:   linalg.generic
//  CHECK-SAME:     iterator_types = ["parallel", "parallel"]} ins(%[[X]] : tensor<?x4xf32, #graph.shape<[N, 4]>>)
//       CHECK:     arith.maximumf
//   CHECK-NOT:   graph.relu
func.func @relu_keeps_its_extents(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  %0 = graph.relu %x : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %0 : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// -----

// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[BIAS:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @add_broadcasts_a_bias
//       CHECK:   linalg.generic {indexing_maps = [#[[ID]], #[[BIAS]], #[[ID]]]
//       CHECK:     arith.addf
func.func @add_broadcasts_a_bias(%x: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  %0 = graph.add %x, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @keeps_a_broadcast_decided_at_run_time
//       CHECK:   graph.add
func.func @keeps_a_broadcast_decided_at_run_time(%x: tensor<?xf32, #graph.shape<[N]>>, %y: tensor<?xf32, #graph.shape<[M]>>)
    -> tensor<?xf32, #graph.shape<[broadcast(M, N)]>> {
  %0 = graph.add %x, %y : (tensor<?xf32, #graph.shape<[N]>>, tensor<?xf32, #graph.shape<[M]>>) -> tensor<?xf32, #graph.shape<[broadcast(M, N)]>>
  return %0 : tensor<?xf32, #graph.shape<[broadcast(M, N)]>>
}

// -----

// CHECK-LABEL: func.func @mean_divides_the_sum
//       CHECK:   %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
//       CHECK:   %[[INIT:.+]] = linalg.fill ins(%[[ZERO]] : f32)
//       CHECK:   linalg.generic
//  CHECK-SAME:     iterator_types = ["parallel", "reduction"]
//  CHECK-SAME:     outs(%[[INIT]] : tensor<2x1xf32>)
//       CHECK:     arith.addf
//       CHECK:   linalg.generic
//       CHECK:     arith.divf
func.func @mean_divides_the_sum(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %0 = graph.reduce_mean %x {axes = array<i64: 1>, keepdims = true} : tensor<2x4xf32> -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// -----

// CHECK: #[[SWAP:.+]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @transpose_permutes_the_map
//       CHECK:   linalg.generic {indexing_maps = [#[[SWAP]],
func.func @transpose_permutes_the_map(%x: tensor<2x4xf32>) -> tensor<4x2xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : tensor<2x4xf32> -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func.func @softmax_is_taken_apart
//       CHECK:   arith.maximumf
//       CHECK:   arith.subf
//       CHECK:   math.exp
//       CHECK:   arith.addf
//       CHECK:   arith.divf
//       CHECK:   arith.mulf
//   CHECK-NOT:   graph.
func.func @softmax_is_taken_apart(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = graph.softmax %x {axis = 1 : i64} : tensor<2x4xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @converts_inside_dispatch
//       CHECK:   graph.dispatch
//       CHECK:     linalg.generic
//       CHECK:     graph.yield
func.func @converts_inside_dispatch(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = graph.dispatch(%x) {
  ^bb0(%a: tensor<2x4xf32>):
    %1 = graph.tanh %a : tensor<2x4xf32> -> tensor<2x4xf32>
    graph.yield %1 : tensor<2x4xf32>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
