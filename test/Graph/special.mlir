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

// CHECK-LABEL: func @fourier
//       CHECK:   graph.dft %arg0 of <6> {axis = 1 : i64, inverse = false, onesided = true} : tensor<4x3x1xf32> -> tensor<4x4x2xf32>
//       CHECK:   graph.dft %{{.+}} of <N> {axis = 1 : i64, inverse = true, onesided = true} : tensor<4x4x2xf32> -> tensor<4x?x1xf32, #graph.shape<[4, N, 1]>>
func.func @fourier(%x: tensor<4x3x1xf32>) -> tensor<4x?x1xf32, #graph.shape<[4, N, 1]>> {
  %0 = graph.dft %x of <6> {axis = 1 : i64, inverse = false, onesided = true} : tensor<4x3x1xf32> -> tensor<4x4x2xf32>
  %1 = graph.dft %0 of <N> {axis = 1 : i64, inverse = true, onesided = true} : tensor<4x4x2xf32> -> tensor<4x?x1xf32, #graph.shape<[4, N, 1]>>
  return %1 : tensor<4x?x1xf32, #graph.shape<[4, N, 1]>>
}

// CHECK-LABEL: func @selection
//       CHECK:   graph.top_k %arg0 of <K> {axis = 0 : i64, largest = true} : tensor<4x3x3xf32> -> (tensor<?x3x3xf32, #graph.shape<[K, 3, 3]>>, tensor<?x3x3xi64, #graph.shape<[K, 3, 3]>>)
//       CHECK:   graph.det %{{.+}} : tensor<?x3x3xf32, #graph.shape<[K, 3, 3]>> -> tensor<?xf32, #graph.shape<[K]>>
func.func @selection(%x: tensor<4x3x3xf32>) -> tensor<?xf32, #graph.shape<[K]>> {
  %v, %i = graph.top_k %x of <K> {axis = 0 : i64, largest = true} : tensor<4x3x3xf32> -> (tensor<?x3x3xf32, #graph.shape<[K, 3, 3]>>, tensor<?x3x3xi64, #graph.shape<[K, 3, 3]>>)
  %d = graph.det %v : tensor<?x3x3xf32, #graph.shape<[K, 3, 3]>> -> tensor<?xf32, #graph.shape<[K]>>
  return %d : tensor<?xf32, #graph.shape<[K]>>
}
