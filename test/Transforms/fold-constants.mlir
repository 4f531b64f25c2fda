// RUN: tenon-opt %s -tenon-fold-constants -split-input-file | FileCheck %s

// CHECK-LABEL: func @evaluates_ops_on_constants
//       CHECK:   %[[C:.+]] = graph.constant dense<[5.000000e+00, 8.000000e+00]> : tensor<2xf32>
//       CHECK:   return %[[C]]
func.func @evaluates_ops_on_constants() -> tensor<2xf32> {
  %a = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = graph.constant dense<[4.0, 6.0]> : tensor<2xf32>
  %0 = graph.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func @does_not_fold_arguments
//       CHECK:   graph.add
func.func @does_not_fold_arguments(%a: tensor<2xf32>) -> tensor<2xf32> {
  %b = graph.constant dense<[4.0, 6.0]> : tensor<2xf32>
  %0 = graph.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// A broadcast costs nothing at run time, its value 400 MB.
// CHECK-LABEL: func @does_not_fold_what_grows
//       CHECK:   graph.expand
func.func @does_not_fold_what_grows() -> tensor<100000000xf32> {
  %a = graph.constant dense<1.0> : tensor<1xf32>
  %0 = graph.expand %a : tensor<1xf32> -> tensor<100000000xf32>
  return %0 : tensor<100000000xf32>
}

// -----

// No elements, but a shape that only a run knows.
// CHECK-LABEL: func @keeps_what_has_no_shape
//       CHECK:   graph.expand
func.func @keeps_what_has_no_shape(%x: tensor<?xf32, #graph.shape<[N]>>) -> tensor<?x0xf32, #graph.shape<[N, 0]>> {
  %c = graph.constant dense<0.0> : tensor<f32>
  %0 = graph.expand %c : tensor<f32> -> tensor<?x0xf32, #graph.shape<[N, 0]>>
  return %0 : tensor<?x0xf32, #graph.shape<[N, 0]>>
}
