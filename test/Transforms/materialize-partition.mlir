// RUN: tenon-opt %s -split-input-file --tenon-materialize-partition --canonicalize | FileCheck %s

// Rows of the batch, columns of one product and the sum of the next: parts need not be equal.

shard.grid @mesh(shape = 2x3)

// CHECK-LABEL: func.func @rank_0
//  CHECK-SAME:   -> (tensor<?x2xf32, #graph.shape<[N, 2]>> {graph.name = "y"}) attributes {graph.rank = 0 : i64}
//       CHECK:   %[[X:.+]] = graph.slice %arg0 from <[0, 0]> {{.*}} -> tensor<?x8xf32, #graph.shape<[(N + 1) floordiv 2, 8]>>
//       CHECK:   %[[H:.+]] = graph.matmul %[[X]], %{{.+}} -> tensor<?x4xf32, #graph.shape<[(N + 1) floordiv 2, 4]>>
//       CHECK:   %[[R:.+]] = graph.relu %[[H]]
//       CHECK:   %[[P:.+]] = graph.matmul %[[R]], %{{.+}} : (tensor<?x4xf32, #graph.shape<[(N + 1) floordiv 2, 4]>>, tensor<4x2xf32>)
//       CHECK:   %[[S:.+]] = graph.all_reduce "sum" %[[P]] group [0, 1, 2]
//       CHECK:   %[[Y:.+]] = graph.all_gather %[[S]] axis 0 extents <[(N + 1) floordiv 2, N + -1 * ((N + 1) floordiv 2)]> group [0, 3]
//       CHECK:   return %[[Y]]
// CHECK-LABEL: func.func @rank_5
//  CHECK-SAME:   (%{{.+}}: tensor<?x8xf32, #graph.shape<[N, 8]>> {graph.name = "x"}) attributes {graph.rank = 5 : i64}
//       CHECK:   graph.slice %arg0 from <[(N + 1) floordiv 2, 0]>
//       CHECK:   graph.matmul %{{.+}} -> tensor<?x3xf32
//       CHECK:   graph.all_reduce "sum" %{{.+}} group [3, 4, 5]
//       CHECK:   graph.all_gather %{{.+}} group [2, 5]
//       CHECK:   return{{$}}
func.func @main(%x: tensor<?x8xf32, #graph.shape<[N, 8]>> {graph.name = "x"}) -> (tensor<?x2xf32, #graph.shape<[N, 2]>> {graph.name = "y"}) attributes {graph.axes = ["data", "tensor"]} {
  %w = graph.constant dense<1.0> : tensor<8x11xf32>
  %v = graph.constant dense<2.0> : tensor<11x2xf32>
  %0 = graph.matmul %x, %w {graph.split = array<i64: 0, 1>} : (tensor<?x8xf32, #graph.shape<[N, 8]>>, tensor<8x11xf32>) -> tensor<?x11xf32, #graph.shape<[N, 11]>>
  %1 = graph.relu %0 {graph.split = array<i64: 0, 1>} : tensor<?x11xf32, #graph.shape<[N, 11]>> -> tensor<?x11xf32, #graph.shape<[N, 11]>>
  %2 = graph.matmul %1, %v {graph.split = array<i64: 0, 2>} : (tensor<?x11xf32, #graph.shape<[N, 11]>>, tensor<11x2xf32>) -> tensor<?x2xf32, #graph.shape<[N, 2]>>
  return %2 : tensor<?x2xf32, #graph.shape<[N, 2]>>
}

// -----

// The columns of a product are split by whole heads, since heads come next: 5 heads of 4 over two ranks are 12 and 8.

shard.grid @mesh(shape = 2)

// CHECK-LABEL: func.func @rank_0(%arg0: tensor<3x8xf32>
//       CHECK:   graph.matmul %arg0, %{{.+}} -> tensor<3x12xf32>
//   CHECK-NOT:   graph.all
//       CHECK:   graph.reshape %{{.+}} : tensor<3x12xf32> -> tensor<3x3x4xf32>
//       CHECK:   graph.softmax
//       CHECK:   graph.all_gather %{{.+}} axis 1 extents <[3, 2]> group [0, 1]
func.func @main(%x: tensor<3x8xf32>) -> tensor<3x5x4xf32> attributes {graph.axes = ["tensor"]} {
  %w = graph.constant dense<1.0> : tensor<8x20xf32>
  %0 = graph.matmul %x, %w {graph.split = array<i64: 1>} : (tensor<3x8xf32>, tensor<8x20xf32>) -> tensor<3x20xf32>
  %1 = graph.reshape %0 {graph.split = array<i64: 1>} : tensor<3x20xf32> -> tensor<3x5x4xf32>
  %2 = graph.softmax %1 {graph.split = array<i64: 1>, axis = 2 : i64} : tensor<3x5x4xf32> -> tensor<3x5x4xf32>
  return %2 : tensor<3x5x4xf32>
}

// -----

// Part of a table: a row that is elsewhere counts as zeros.

shard.grid @mesh(shape = 2)

// CHECK-LABEL: func.func @rank_1(%arg0: tensor<2xi64>
//       CHECK:   graph.and
//       CHECK:   %[[I:.+]] = graph.where %{{.+}} : (tensor<2xi1>, tensor<2xi64>, tensor<i64>)
//       CHECK:   %[[ROWS:.+]] = graph.gather %{{.+}}, %[[I]] {{.*}} : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
//       CHECK:   %[[PART:.+]] = graph.where %{{.+}}, %[[ROWS]]
//       CHECK:   graph.all_reduce "sum" %[[PART]] group [0, 1]
func.func @main(%i: tensor<2xi64>) -> tensor<2x4xf32> attributes {graph.axes = ["tensor"]} {
  %table = graph.constant dense<1.0> : tensor<7x4xf32>
  %0 = graph.gather %table, %i {axis = 0 : i64, graph.split = array<i64: 0>} : (tensor<7x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Groups of a convolution.

shard.grid @mesh(shape = 2)

// CHECK-LABEL: func.func @rank_0(%arg0: tensor<1x6x8x8xf32>
//       CHECK:   graph.slice %arg0 {{.*}} -> tensor<1x4x8x8xf32>
//       CHECK:   graph.conv %{{.+}} group = 2 : i64
//  CHECK-SAME:     (tensor<1x4x8x8xf32>, tensor<2x2x3x3xf32>, tensor<2xf32>) -> tensor<1x2x6x6xf32>
// CHECK-LABEL: func.func @rank_1(%arg0: tensor<1x6x8x8xf32>
//       CHECK:   graph.conv %{{.+}} group = 1 : i64
//  CHECK-SAME:     (tensor<1x2x8x8xf32>, tensor<1x2x3x3xf32>, tensor<1xf32>) -> tensor<1x1x6x6xf32>
func.func @main(%x: tensor<1x6x8x8xf32>) -> tensor<1x3x6x6xf32> attributes {graph.axes = ["tensor"]} {
  %w = graph.constant dense<1.0> : tensor<3x2x3x3xf32>
  %b = graph.constant dense<1.0> : tensor<3xf32>
  %0 = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 3 : i64, graph.split = array<i64: 1>}
    : (tensor<1x6x8x8xf32>, tensor<3x2x3x3xf32>, tensor<3xf32>) -> tensor<1x3x6x6xf32>
  return %0 : tensor<1x3x6x6xf32>
}

// -----

// Two stages of two ranks: each rank sends its part; what the second stage makes goes to rank 0.

shard.grid @mesh(shape = 2)

// CHECK-LABEL: func.func @rank_0(%arg0: tensor<4xf32>
//       CHECK:   %[[E:.+]] = graph.exp
//       CHECK:   graph.send %[[E]] to 2 : tensor<2xf32>
//       CHECK:   %[[Y:.+]] = graph.receive from 2 : tensor<4xf32>
//       CHECK:   return %[[Y]]
// CHECK-LABEL: func.func @rank_3(%arg0: tensor<4xf32>
//   CHECK-NOT:   graph.exp
//       CHECK:   %[[P:.+]] = graph.receive from 1 : tensor<2xf32>
//       CHECK:   %[[W:.+]] = graph.all_gather %[[P]] axis 0 extents <[2, 2]> group [2, 3]
//  The sum itself is nothing that rank 3 is asked for.
//   CHECK-NOT:   graph.send
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> attributes {graph.axes = ["data"], graph.stages = 2 : i64} {
  %0 = graph.exp %x {graph.split = array<i64: 0>} : tensor<4xf32> -> tensor<4xf32>
  %1 = graph.cumsum %0 {axis = 0 : i64, exclusive = false, reverse = false, graph.stage = 1 : i64} : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Parts of a sum are left where the next op wants them; an axis moves from one dimension to another at once.

shard.grid @mesh(shape = 2)

// CHECK-LABEL: func.func @rank_0(%arg0: tensor<4x8xf32>
//       CHECK:   %[[P:.+]] = graph.matmul
//       CHECK:   %[[S:.+]] = graph.reduce_scatter "sum" %[[P]] axis 0 extents <[2, 2]> group [0, 1]
//       CHECK:   graph.all_to_all %[[S]] split 1 <[3, 3]> concat 0 <[2, 2]> group [0, 1] : tensor<2x6xf32> -> tensor<4x3xf32>
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x6xf32> attributes {graph.axes = ["tensor"]} {
  %w = graph.constant dense<1.0> : tensor<8x6xf32>
  %0 = graph.matmul %x, %w {graph.split = array<i64: 2>, graph.scatter = array<i64: 0>} : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
  %1 = graph.cumsum %0 {axis = 0 : i64, exclusive = false, reverse = false, graph.split = array<i64: 0>} : tensor<4x6xf32> -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}
