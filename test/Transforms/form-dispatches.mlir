// RUN: tenon-opt %s -tenon-form-dispatches -split-input-file | FileCheck %s
// RUN: tenon-opt %s -tenon-form-dispatches -split-input-file --remark-policy=all --remarks-filter=fusion 2>&1 | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: func @a_matmul_takes_its_epilogue
//       CHECK:   graph.dispatch
//       CHECK:     graph.matmul
//  CHECK-NEXT:     graph.add
//  CHECK-NEXT:     graph.relu
//  CHECK-NEXT:     graph.yield
//       CHECK:   {formats = ["", "kn", ""]}
// REMARK: remark: {{.*}}FormDispatches{{.*}}ops=3
func.func @a_matmul_takes_its_epilogue(%x: tensor<4x8xf32>, %b: tensor<16xf32>) -> tensor<4x16xf32> {
  %w = graph.constant dense<1.0> : tensor<8x16xf32>
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = graph.add %0, %b : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %2 = graph.relu %1 : tensor<4x16xf32> -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// -----

// CHECK-LABEL: func @a_region_has_one_result
//       CHECK:   graph.dispatch
//       CHECK:     graph.matmul
//  CHECK-NEXT:     graph.yield
//       CHECK:   graph.dispatch
//       CHECK:     graph.relu
func.func @a_region_has_one_result(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = graph.relu %0 : tensor<4x16xf32> -> tensor<4x16xf32>
  return %0, %1 : tensor<4x16xf32>, tensor<4x16xf32>
}

// -----

// x * sigmoid(x): both uses of the product are inside.
// CHECK-LABEL: func @a_value_may_be_used_twice_inside
//       CHECK:     graph.matmul
//  CHECK-NEXT:     graph.sigmoid
//  CHECK-NEXT:     graph.mul
//  CHECK-NEXT:     graph.yield
func.func @a_value_may_be_used_twice_inside(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = graph.sigmoid %0 : tensor<4x16xf32> -> tensor<4x16xf32>
  %2 = graph.mul %0, %1 : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// -----

// The sum needs the reduction, which needs the product: they cannot be one region.
// CHECK-LABEL: func @an_op_that_depends_on_the_region_stays_outside
//       CHECK:   graph.dispatch
//       CHECK:     graph.matmul
//  CHECK-NEXT:     graph.yield
//       CHECK:     graph.reduce_sum
//       CHECK:     graph.add
func.func @an_op_that_depends_on_the_region_stays_outside(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = graph.reduce_sum %0 {axes = array<i64: 1>, keepdims = true} : tensor<4x16xf32> -> tensor<4x1xf32>
  %2 = graph.add %0, %1 : (tensor<4x16xf32>, tensor<4x1xf32>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// -----

// CHECK-LABEL: func @reshapes_and_constants_stay_outside
//       CHECK:   graph.constant
//       CHECK:   graph.reshape
//       CHECK:   graph.dispatch
func.func @reshapes_and_constants_stay_outside(%x: tensor<4x8xf32>) -> tensor<32xf32> {
  %c = graph.constant dense<[0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0]> : tensor<32xf32>
  %0 = graph.reshape %x : tensor<4x8xf32> -> tensor<32xf32>
  %1 = graph.add %0, %c : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
  return %1 : tensor<32xf32>
}

// -----

// All results leave the region; the packed weights are stored in the order of the kernel.
// CHECK-LABEL: func @an_lstm_has_three_results
//       CHECK:   %[[R:.+]]:3 = graph.dispatch
//       CHECK:     %[[Y:.+]], %[[H:.+]], %[[C:.+]] = graph.lstm
//  CHECK-NEXT:     graph.yield %[[Y]], %[[H]], %[[C]]
//       CHECK:   {formats = ["", "lstm"]}
//       CHECK:   return %[[R]]#0, %[[R]]#2
func.func @an_lstm_has_three_results(%g: tensor<5x3x1x4x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>) {
  %r = graph.constant dense<1.0> : tensor<1x4x8x8xf32>
  %y, %h, %c = graph.lstm %g, %r {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false}
    : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return %y, %c : tensor<5x1x3x8xf32>, tensor<1x3x8xf32>
}

// -----

// A matrix of one element is read from memory like any other.
// CHECK-LABEL: func @a_matmul_has_no_immediates
//       CHECK:   %[[W:.+]] = graph.constant
//       CHECK:   graph.dispatch(%{{.+}}, %[[W]])
func.func @a_matmul_has_no_immediates(%x: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %w = graph.constant dense<2.0> : tensor<1x1xf32>
  %0 = graph.matmul %x, %w : (tensor<4x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
