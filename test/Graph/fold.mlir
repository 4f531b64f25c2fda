// RUN: tenon-opt %s -canonicalize -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @folds_neutral_operands
//  CHECK-SAME:   (%[[X:.+]]: tensor<4xf32>, %[[I:.+]]: tensor<4xi64>)
//       CHECK:   return %[[X]], %[[X]], %[[X]], %[[I]]
func.func @folds_neutral_operands(%x: tensor<4xf32>, %i: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi64>) {
  %zero = graph.constant dense<0.0> : tensor<f32>
  %one = graph.constant dense<1.0> : tensor<4xf32>
  %none = graph.constant dense<0> : tensor<4xi64>
  %0 = graph.sub %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = graph.mul %x, %one : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = graph.div %x, %one : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = graph.add %i, %none : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi64>
}

// -----

// CHECK-LABEL: func.func @does_not_fold_when_the_constant_broadcasts_x
//       CHECK:   graph.mul
func.func @does_not_fold_when_the_constant_broadcasts_x(%x: tensor<4xf32>) -> tensor<2x4xf32> {
  %one = graph.constant dense<1.0> : tensor<2x4xf32>
  %0 = graph.mul %x, %one : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// -0 + 0 is 0, so this is not the identity.
// CHECK-LABEL: func.func @does_not_fold_addition_of_zero_to_floats
//       CHECK:   graph.add
func.func @does_not_fold_addition_of_zero_to_floats(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = graph.constant dense<0.0> : tensor<4xf32>
  %0 = graph.add %x, %zero : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @does_not_fold_zero_minus_x
//       CHECK:   graph.sub
func.func @does_not_fold_zero_minus_x(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = graph.constant dense<0.0> : tensor<4xf32>
  %0 = graph.sub %zero, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @folds_views_that_change_nothing
//  CHECK-SAME:   (%[[X:.+]]: tensor<2x3xf32>)
//       CHECK:   return %[[X]], %[[X]], %[[X]], %[[X]]
func.func @folds_views_that_change_nothing(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = graph.reshape %x : tensor<2x3xf32> -> tensor<2x3xf32>
  %1 = graph.transpose %x {perm = array<i64: 0, 1>} : tensor<2x3xf32> -> tensor<2x3xf32>
  %2 = graph.expand %x : tensor<2x3xf32> -> tensor<2x3xf32>
  %3 = graph.cast %x : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0, %1, %2, %3 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @folds_reshape_of_constant
//       CHECK:   %[[C:.+]] = graph.constant dense<{{\[}}[1, 2], [3, 4]]> : tensor<2x2xi64>
//       CHECK:   return %[[C]]
func.func @folds_reshape_of_constant() -> tensor<2x2xi64> {
  %0 = graph.constant dense<[1, 2, 3, 4]> : tensor<4xi64>
  %1 = graph.reshape %0 : tensor<4xi64> -> tensor<2x2xi64>
  return %1 : tensor<2x2xi64>
}

// -----

// CHECK-LABEL: func.func @merges_reshapes
//  CHECK-SAME:   (%[[X:.+]]: tensor<?x4xf32, #graph.shape<[N, 4]>>)
//       CHECK:   %[[Y:.+]] = graph.reshape %[[X]] : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x2x2xf32, #graph.shape<[N, 2, 2]>>
//   CHECK-NOT:   graph.reshape
//       CHECK:   return %[[Y]]
func.func @merges_reshapes(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x2x2xf32, #graph.shape<[N, 2, 2]>> {
  %0 = graph.reshape %x : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?xf32, #graph.shape<[4 * N]>>
  %1 = graph.reshape %0 : tensor<?xf32, #graph.shape<[4 * N]>> -> tensor<?x2x2xf32, #graph.shape<[N, 2, 2]>>
  return %1 : tensor<?x2x2xf32, #graph.shape<[N, 2, 2]>>
}

// -----

// CHECK-LABEL: func.func @merges_transposes
//  CHECK-SAME:   (%[[X:.+]]: tensor<2x3x4xf32>)
//       CHECK:   %[[Y:.+]] = graph.transpose %[[X]] {perm = array<i64: 2, 1, 0>} : tensor<2x3x4xf32> -> tensor<4x3x2xf32>
//       CHECK:   return %[[Y]]
func.func @merges_transposes(%x: tensor<2x3x4xf32>) -> tensor<4x3x2xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 2, 0>} : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = graph.transpose %0 {perm = array<i64: 1, 0, 2>} : tensor<3x4x2xf32> -> tensor<4x3x2xf32>
  return %1 : tensor<4x3x2xf32>
}

// -----

// CHECK-LABEL: func.func @cancels_inverse_transposes
//  CHECK-SAME:   (%[[X:.+]]: tensor<2x3x4xf32>)
//       CHECK:   return %[[X]]
func.func @cancels_inverse_transposes(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 2, 0>} : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = graph.transpose %0 {perm = array<i64: 2, 0, 1>} : tensor<3x4x2xf32> -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @removes_unused_ops
//  CHECK-NEXT:   return
func.func @removes_unused_ops(%x: tensor<4xf32>) {
  %0 = graph.exp %x : tensor<4xf32> -> tensor<4xf32>
  %1 = graph.dispatch(%x) {
  ^bb0(%a: tensor<4xf32>):
    %2 = graph.neg %a : tensor<4xf32> -> tensor<4xf32>
    graph.yield %2 : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  return
}
