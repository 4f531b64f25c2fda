// RUN: tenon-opt %s -split-input-file --tenon-materialize-partition -verify-diagnostics

// expected-error @+1 {{has graph.axes, but there is no shard.grid}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  return %x : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = ?)
// expected-error @+1 {{needs a grid of known extents, at least one stage, and at most 4096 ranks}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  return %x : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = 2)
// expected-error @+1 {{graph.shares must give every device of an axis a share}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"], graph.shares = [array<i64: 0, 0>]} {
  return %x : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = 2)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  // expected-error @+1 {{graph.split must have an entry for each of 1 axes, got 2}}
  %0 = graph.exp %x {graph.split = array<i64: 0, 0>} : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = 2)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  // expected-error @+1 {{graph.split names loop 1 of 1}}
  %0 = graph.exp %x {graph.split = array<i64: 1>} : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = 2)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  // expected-error @+1 {{graph.stage must be in [0, 1), got 1}}
  %0 = graph.exp %x {graph.stage = 1 : i64} : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = 2)
func.func @main(%x: tensor<4x2xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  // expected-error @+1 {{graph.scatter names dimension 1, which cannot be split}}
  %0 = graph.reduce_sum %x {axes = array<i64: 1>, keepdims = false, graph.split = array<i64: 1>, graph.scatter = array<i64: 1>} : tensor<4x2xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

shard.grid @mesh(shape = 2)
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"]} {
  return %x : tensor<4xf32>
}
// expected-error @+1 {{TN4021: a model of several functions cannot be split over ranks}}
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
