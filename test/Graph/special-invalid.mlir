// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @ranks(%x: tensor<4xf32>, %i: tensor<2xi64>) -> tensor<4xf32> {
  // expected-error@+1 {{ranks must be 2, 1 and 2, got 1, 1 and 1}}
  %0 = graph.scatter %x, %i, %x {reduction = "none"} : (tensor<4xf32>, tensor<2xi64>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @index_type(%x: tensor<4x1xf32>, %i: tensor<4xi32>) -> tensor<4x1xf32> {
  // expected-error@+1 {{indices must be i64, got 'i32'}}
  %0 = graph.scatter %x, %i, %x {reduction = "none"} : (tensor<4x1xf32>, tensor<4xi32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

func.func @update_type(%x: tensor<4x1xf32>, %i: tensor<4xi64>, %u: tensor<4x1xf64>) -> tensor<4x1xf32> {
  // expected-error@+1 {{updates must have elements of 'f32', got 'f64'}}
  %0 = graph.scatter %x, %i, %u {reduction = "none"} : (tensor<4x1xf32>, tensor<4xi64>, tensor<4x1xf64>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

func.func @reduction(%x: tensor<4x1xf32>, %i: tensor<4xi64>) -> tensor<4x1xf32> {
  // expected-error@+1 {{reduction must be none, add, mul, min or max, got mean}}
  %0 = graph.scatter %x, %i, %x {reduction = "mean"} : (tensor<4x1xf32>, tensor<4xi64>, tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

func.func @axis(%x: tensor<4x1xf32>) -> tensor<4x1xf32> {
  // expected-error@+1 {{axis must be in [0, 2), got 2}}
  %0 = graph.cumprod %x {axis = 2 : i64, exclusive = false, reverse = false} : tensor<4x1xf32> -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

func.func @shape(%x: tensor<4x1xf32>) -> tensor<4xi32> {
  // expected-error@+1 {{must keep the shape}}
  %0 = graph.bitcast %x : tensor<4x1xf32> -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

func.func @bits(%x: tensor<4xf32>) -> tensor<4xi64> {
  // expected-error@+1 {{element types must have as many bits, got 'f32' and 'i64'}}
  %0 = graph.bitcast %x : tensor<4xf32> -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

func.func @top_k_axis(%x: tensor<4x5xf32>) {
  // expected-error@+2 {{axis must be in [0, 2), got 2}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:2 = graph.top_k %x of <3> {axis = 2 : i64, largest = true} : tensor<4x5xf32> -> (tensor<4x3xf32>, tensor<4x3xi64>)
  return
}

// -----

func.func @top_k_of_bools(%x: tensor<4xi1>) {
  // expected-error@+1 {{elements must have an order, got 'tensor<4xi1>'}}
  %0:2 = graph.top_k %x of <3> {axis = 0 : i64, largest = true} : tensor<4xi1> -> (tensor<3xi1>, tensor<3xi64>)
  return
}

// -----

func.func @det_shape(%x: tensor<2x3x4xf32>) {
  // expected-error@+1 {{the last two extents must be equal}}
  %0 = graph.det %x : tensor<2x3x4xf32> -> tensor<2xf32>
  return
}

// -----

func.func @det_type(%x: tensor<3x3xi32>) {
  // expected-error@+1 {{elements must be floating point, got 'i32'}}
  %0 = graph.det %x : tensor<3x3xi32> -> tensor<i32>
  return
}

// -----

func.func @dft_axis(%x: tensor<4x3x1xf32>) {
  // expected-error@+2 {{axis must be before the last of 3, got 2}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.dft %x of <3> {axis = 2 : i64, inverse = false, onesided = false} : tensor<4x3x1xf32> -> tensor<4x3x2xf32>
  return
}

// -----

func.func @dft_parts(%x: tensor<4x3x3xf32>) {
  // expected-error@+1 {{the last extent must be 1 or 2}}
  %0 = graph.dft %x of <3> {axis = 1 : i64, inverse = false, onesided = false} : tensor<4x3x3xf32> -> tensor<4x3x2xf32>
  return
}

// -----

func.func @dft_type(%x: tensor<4x3x1xf16>) {
  // expected-error@+1 {{elements must be f32 or f64, got 'f16'}}
  %0 = graph.dft %x of <3> {axis = 1 : i64, inverse = false, onesided = false} : tensor<4x3x1xf16> -> tensor<4x3x2xf16>
  return
}

// -----

func.func @dft_length(%x: tensor<4x3x1xf32>) {
  // expected-error@+1 {{length must be positive, got 0}}
  %0 = graph.dft %x of <0> {axis = 1 : i64, inverse = false, onesided = false} : tensor<4x3x1xf32> -> tensor<4x0x2xf32>
  return
}
