// A plan of two ranks.
// RUN: mkdir -p %t && tenon compile %s -o %t/ranks.tenon
// RUN: tenon inspect %t/ranks.tenon | FileCheck %s
//      CHECK: rank 0: 1 kernels, 1 launches, 0.000 GFLOP, 2 collectives, arena
// CHECK-NEXT: rank 1: 1 kernels, 1 launches, 0.000 GFLOP, 2 collectives, arena

// RUN: tenon inspect %t/ranks.tenon --kernels | FileCheck %s --check-prefix=LIST
//      LIST: rank 1:
// LIST-NEXT:   AllReduce of float32 2x4, 32 B, ranks 0, 1
// LIST-NEXT:   Send of float32 2x4, 32 B, ranks 0

// RUN: tenon inspect %t/ranks.tenon --kernels --format=json | FileCheck %s --check-prefix=JSON
// JSON: "kind": "Receive"
// JSON: "collectives": 2
// JSON: "rank": 0
// JSON: "rank": 1

// RUN: %python -c "import numpy as n; n.save('%t/x.npy', n.arange(8, dtype=n.float32).reshape(2, 4))"
// RUN: tenon run %t/ranks.tenon --ranks=2 --input x=%t/x.npy --output-dir=%t/out | FileCheck %s --check-prefix=TYPE
// TYPE: y: float32 2x4
// RUN: %python -c "import numpy as n; print(n.load('%t/out/y.npy').tolist())" | FileCheck %s --check-prefix=VALUES
// VALUES: {{\[\[}}0.0, 3.0, 6.0, 9.0], [12.0, 15.0, 18.0, 21.0]]

// RUN: not tenon run %t/ranks.tenon --ranks=3 --input x=%t/x.npy 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: error: TN9003: --ranks=3, but the plan has 2
// COUNT: remedy: compile with --parallel for as many, or give --ranks=2
// RUN: not tenon run %t/ranks.tenon --transport=pigeon --input x=%t/x.npy 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: TN8001: the library of transport 'pigeon' cannot be opened

func.func @rank_0(%x: tensor<2x4xf32> {graph.name = "x"}) -> (tensor<2x4xf32> {graph.name = "y"}) attributes {graph.rank = 0} {
  %sum = graph.all_reduce "sum" %x group [0, 1] : tensor<2x4xf32>
  %other = graph.receive from 1 : tensor<2x4xf32>
  %y = graph.max %sum, %other : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
func.func @rank_1(%x: tensor<2x4xf32> {graph.name = "x"}) attributes {graph.rank = 1} {
  %two = graph.add %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %sum = graph.all_reduce "sum" %two group [0, 1] : tensor<2x4xf32>
  graph.send %sum to 0 : tensor<2x4xf32>
  return
}
