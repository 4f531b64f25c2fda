// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @softmax
//       CHECK:   graph.softmax %{{.+}} {axis = 1 : i64} : tensor<?x8xf32, #graph.shape<[N, 8]>> -> tensor<?x8xf32, #graph.shape<[N, 8]>>
func.func @softmax(%x: tensor<?x8xf32, #graph.shape<[N, 8]>>) -> tensor<?x8xf32, #graph.shape<[N, 8]>> {
  %0 = graph.softmax %x {axis = 1 : i64} : tensor<?x8xf32, #graph.shape<[N, 8]>> -> tensor<?x8xf32, #graph.shape<[N, 8]>>
  return %0 : tensor<?x8xf32, #graph.shape<[N, 8]>>
}

// CHECK-LABEL: func.func @log_softmax
//       CHECK:   graph.log_softmax %{{.+}} {axis = 0 : i64} : tensor<8xf32> -> tensor<8xf32>
func.func @log_softmax(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = graph.log_softmax %x {axis = 0 : i64} : tensor<8xf32> -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @layer_normalization
//       CHECK:   graph.layer_normalization %{{.+}}, %{{.+}}, %{{.+}} {axis = 1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
func.func @layer_normalization(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %0 = graph.layer_normalization %x, %s, %b {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @layer_normalization_without_bias
//       CHECK:   graph.layer_normalization %{{.+}}, %{{.+}} {{{.*}}} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
func.func @layer_normalization_without_bias(%x: tensor<4x8xf32>, %s: tensor<8xf32>) -> tensor<4x8xf32> {
  %0 = graph.layer_normalization %x, %s {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @batch_normalization
//       CHECK:   graph.batch_normalization %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} {epsilon = 1.000000e-03 : f64} : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
func.func @batch_normalization(%x: tensor<1x4x8xf32>, %v: tensor<4xf32>) -> tensor<1x4x8xf32> {
  %0 = graph.batch_normalization %x, %v, %v, %v, %v {epsilon = 1.0e-3 : f64} : (tensor<1x4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
  return %0 : tensor<1x4x8xf32>
}

// CHECK-LABEL: func.func @rms_normalization
//       CHECK:   graph.rms_normalization %{{.+}}, %{{.+}} {axis = 1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
func.func @rms_normalization(%x: tensor<4x8xf32>, %s: tensor<8xf32>) -> tensor<4x8xf32> {
  %0 = graph.rms_normalization %x, %s {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @cumsum
//       CHECK:   graph.cumsum %{{.+}} {axis = 1 : i64, exclusive = false, reverse = true} : tensor<4x8xf32> -> tensor<4x8xf32>
func.func @cumsum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = graph.cumsum %x {axis = 1 : i64, exclusive = false, reverse = true} : tensor<4x8xf32> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
