// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @alone(%x: tensor<4xf32>) {
  // expected-error @+1 {{group must hold at least two ranks, none negative or twice}}
  %0 = graph.all_reduce "sum" %x group [0] : tensor<4xf32>
  return
}

// -----

func.func @twice(%x: tensor<4xf32>) {
  // expected-error @+1 {{group must hold at least two ranks, none negative or twice}}
  %0 = graph.all_reduce "sum" %x group [1, 1] : tensor<4xf32>
  return
}

// -----

func.func @kind(%x: tensor<4xf32>) {
  // expected-error @+1 {{kind must be sum, prod, min or max, got mean}}
  %0 = graph.all_reduce "mean" %x group [0, 1] : tensor<4xf32>
  return
}

// -----

func.func @axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis must be in [0, 1), got 1}}
  %0 = graph.all_gather %x axis 1 extents <[4, 4]> group [0, 1] : tensor<4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @members(%x: tensor<4xf32>) {
  // expected-error @+1 {{must have an extent for each of 2 members, got 3}}
  %0 = graph.all_gather %x axis 0 extents <[4, 2, 2]> group [0, 1] : tensor<4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @parts(%x: tensor<4xf32>) {
  // expected-error @+1 {{parts sum up to 7 of 8}}
  %0 = graph.all_gather %x axis 0 extents <[4, 3]> group [0, 1] : tensor<4xf32> -> tensor<8xf32>
  return
}

// -----

func.func @others(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{must keep the extents of other axes}}
  %0 = graph.reduce_scatter "sum" %x axis 0 extents <[2, 2]> group [0, 1] : tensor<4x2xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @element(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{must keep rank and element type}}
  %0 = graph.reduce_scatter "sum" %x axis 0 extents <[2, 2]> group [0, 1] : tensor<4x2xf32> -> tensor<2x2xf16>
  return
}

// -----

func.func @same(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{the two axes must differ, both are 0}}
  %0 = graph.all_to_all %x split 0 <[2, 2]> concat 0 <[2, 2]> group [0, 1] : tensor<4x2xf32> -> tensor<4x2xf32>
  return
}

// -----

func.func @peer(%x: tensor<4xf32>) {
  // expected-error @+1 {{the peer must be a rank, got -1}}
  graph.send %x to -1 : tensor<4xf32>
  return
}
