// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @rank_0
func.func @rank_0(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>> attributes {graph.rank = 0} {
  // CHECK: graph.all_reduce "sum" %{{.*}} group [0, 1] : tensor<?x4xf32, #graph.shape<[N, 4]>>
  %sum = graph.all_reduce "sum" %x group [0, 1] : tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.reduce_scatter "max" %{{.*}} axis 0 extents <[(N + 1) floordiv 2, N floordiv 2]> group [0, 1]
  %part = graph.reduce_scatter "max" %sum axis 0 extents <[(N + 1) floordiv 2, N floordiv 2]> group [0, 1]
    : tensor<?x4xf32, #graph.shape<[N, 4]>> -> tensor<?x4xf32, #graph.shape<[(N + 1) floordiv 2, 4]>>
  // CHECK: graph.all_to_all %{{.*}} split 1 <[3, 1]> concat 0 <[(N + 1) floordiv 2, N floordiv 2]> group [0, 1]
  %columns = graph.all_to_all %part split 1 <[3, 1]> concat 0 <[(N + 1) floordiv 2, N floordiv 2]> group [0, 1]
    : tensor<?x4xf32, #graph.shape<[(N + 1) floordiv 2, 4]>> -> tensor<?x3xf32, #graph.shape<[N, 3]>>
  // CHECK: graph.all_gather %{{.*}} axis 1 extents <[3, 1]> group [0, 1]
  %all = graph.all_gather %columns axis 1 extents <[3, 1]> group [0, 1]
    : tensor<?x3xf32, #graph.shape<[N, 3]>> -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.send %{{.*}} to 1
  graph.send %all to 1 : tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.receive from 1
  %back = graph.receive from 1 : tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %back : tensor<?x4xf32, #graph.shape<[N, 4]>>
}
