// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @range_rank() -> tensor<2x2xi64> {
  // expected-error@+1 {{result must have rank 1}}
  %0 = graph.range <0> step 1 : tensor<2x2xi64>
  return %0 : tensor<2x2xi64>
}

// -----

func.func @dims_count() -> tensor<3xi64> {
  // expected-error@+1 {{result must be a scalar or vector of 2 elements, got 'tensor<3xi64>'}}
  %0 = graph.dims <[N, M]> : tensor<3xi64>
  return %0 : tensor<3xi64>
}

// -----

func.func @reshape_elements(%x: tensor<2x3xf32>) -> tensor<5xf32> {
  // expected-error@+1 {{must keep the number of elements, got 6 and 5}}
  %0 = graph.reshape %x : tensor<2x3xf32> -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @reshape_type(%x: tensor<2x3xf32>) -> tensor<6xi32> {
  // expected-error@+1 {{must keep the element type}}
  %0 = graph.reshape %x : tensor<2x3xf32> -> tensor<6xi32>
  return %0 : tensor<6xi32>
}

// -----

func.func @transpose_perm(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  // expected-error@+1 {{perm must be a permutation of the axes}}
  %0 = graph.transpose %x {perm = array<i64: 0, 0>} : tensor<2x3xf32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @expand_shape(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  // expected-error@+1 {{cannot broadcast 'tensor<2x3xf32>' to 'tensor<4x3xf32>'}}
  %0 = graph.expand %x : tensor<2x3xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @concat_of_nothing() -> tensor<0xf32> {
  // expected-error@+2 {{concat needs an input}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = "graph.concat"() {axis = 0 : i64} : () -> tensor<0xf32>
  return %0 : tensor<0xf32>
}

// -----

func.func @concat_axis(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{axis must be in [0, 1), got 1}}
  %0 = graph.concat %x {axis = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @concat_types(%x: tensor<2xf32>, %y: tensor<2xf16>) -> tensor<4xf32> {
  // expected-error@+2 {{concat needs inputs of one rank and element type}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf16>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @concat_extents(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error@+2 {{extents of dimension 1 must agree, got 3 and 4}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @slice_lengths(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error@+1 {{needs one start, step and result dimension for each of 2 dimensions}}
  %0 = graph.slice %x from <[0]> {steps = array<i64: 1, 1>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @slice_step(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@+1 {{steps must not be 0}}
  %0 = graph.slice %x from <[0]> {steps = array<i64: 0>} : tensor<3xf32> -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @slice_type(%x: tensor<3xf32>) -> tensor<3xf64> {
  // expected-error@+1 {{must keep the element type}}
  %0 = graph.slice %x from <[0]> {steps = array<i64: 1>} : tensor<3xf32> -> tensor<3xf64>
  return %0 : tensor<3xf64>
}

// -----

func.func @pad_lengths(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@+2 {{pad needs one begin and one end a dimension}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.pad %x {begins = array<i64: 0>, ends = array<i64: 0, 0>, mode = "edge", value = 0.0 : f64} : tensor<3xf32> -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @pad_negative(%x: tensor<3xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{begins and ends must be between 0 and 2^31 - 1}}
  %0 = graph.pad %x {begins = array<i64: -1>, ends = array<i64: 0>, mode = "edge", value = 0.0 : f64} : tensor<3xf32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @pad_mode(%x: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{mode must be constant, reflect or edge, got wrap}}
  %0 = graph.pad %x {begins = array<i64: 1>, ends = array<i64: 0>, mode = "wrap", value = 0.0 : f64} : tensor<3xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @gather_axis(%x: tensor<3xf32>, %i: tensor<2xi64>) -> tensor<2xf32> {
  // expected-error@+1 {{axis must be in [0, 1), got -1}}
  %0 = graph.gather %x, %i {axis = -1 : i64} : (tensor<3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @gather_indices(%x: tensor<3xf32>, %i: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{indices must be i32 or i64, got 'f32'}}
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<3xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @dispatch_arguments(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{block arguments must have the types of the inputs}}
  %0 = graph.dispatch(%x) {
  ^bb0(%a: tensor<5xf32>):
    graph.yield %x : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @dispatch_results(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error@+1 {{must end in graph.yield of its results}}
  %0 = graph.dispatch(%x) {
  ^bb0(%a: tensor<4xf32>):
    graph.yield %a : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @dispatch_formats(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{formats must have 1 entries, got 2}}
  %0 = graph.dispatch(%x) {
  ^bb0(%a: tensor<4xf32>):
    graph.yield %a : tensor<4xf32>
  } {formats = ["", ""]} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@+1 {{shape names 2 dimensions of a tensor of rank 1}}
func.func private @shape_rank(tensor<?xf32, #graph.shape<[N, 3]>>)

// -----

// expected-error@+1 {{dimension 1 of the shape does not agree with the tensor type}}
func.func private @shape_extent(tensor<?x4xf32, #graph.shape<[N, 3]>>)

// -----

// expected-error@+1 {{extents do not broadcast}}
func.func private @shape_broadcast(tensor<?xf32, #graph.shape<[broadcast(2, 3)]>>)
