// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK-LABEL: func @special
//       CHECK:   graph.scatter %arg0, %arg1, %arg2 {reduction = "add"} : (tensor<?x3xf32, #graph.shape<[P, 3]>>, tensor<5xi64>, tensor<5x3xf32>) -> tensor<?x3xf32, #graph.shape<[P, 3]>>
//       CHECK:   graph.cumprod %{{.+}} {axis = 1 : i64, exclusive = false, reverse = true}
//       CHECK:   graph.bitcast %{{.+}} : tensor<?x3xf32, {{.*}}> -> tensor<?x3xui32, {{.*}}>
func.func @special(%x: tensor<?x3xf32, #graph.shape<[P, 3]>>, %i: tensor<5xi64>, %u: tensor<5x3xf32>) -> tensor<?x3xui32, #graph.shape<[P, 3]>> {
  %0 = graph.scatter %x, %i, %u {reduction = "add"} : (tensor<?x3xf32, #graph.shape<[P, 3]>>, tensor<5xi64>, tensor<5x3xf32>) -> tensor<?x3xf32, #graph.shape<[P, 3]>>
  %1 = graph.cumprod %0 {axis = 1 : i64, exclusive = false, reverse = true} : tensor<?x3xf32, #graph.shape<[P, 3]>> -> tensor<?x3xf32, #graph.shape<[P, 3]>>
  %2 = graph.bitcast %1 : tensor<?x3xf32, #graph.shape<[P, 3]>> -> tensor<?x3xui32, #graph.shape<[P, 3]>>
  return %2 : tensor<?x3xui32, #graph.shape<[P, 3]>>
}
