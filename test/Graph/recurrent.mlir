// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @lstm
//       CHECK:   graph.lstm %{{.+}}, %{{.+}} {{{.*}}direction = "forward"{{.*}}} : (tensor<?x?x1x4x8xf32, #graph.shape<[T, N, 1, 4, 8]>>, tensor<1x4x8x8xf32>) -> (tensor<?x1x?x8xf32, #graph.shape<[T, 1, N, 8]>>, tensor<1x?x8xf32, #graph.shape<[1, N, 8]>>, tensor<1x?x8xf32, #graph.shape<[1, N, 8]>>)
func.func @lstm(%gates: tensor<?x?x1x4x8xf32, #graph.shape<[T, N, 1, 4, 8]>>, %r: tensor<1x4x8x8xf32>) -> tensor<?x1x?x8xf32, #graph.shape<[T, 1, N, 8]>> {
  %y, %h, %c = graph.lstm %gates, %r {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false}
    : (tensor<?x?x1x4x8xf32, #graph.shape<[T, N, 1, 4, 8]>>, tensor<1x4x8x8xf32>) -> (tensor<?x1x?x8xf32, #graph.shape<[T, 1, N, 8]>>, tensor<1x?x8xf32, #graph.shape<[1, N, 8]>>, tensor<1x?x8xf32, #graph.shape<[1, N, 8]>>)
  return %y : tensor<?x1x?x8xf32, #graph.shape<[T, 1, N, 8]>>
}

// CHECK-LABEL: func.func @lstm_with_states
//       CHECK:   graph.lstm %{{.+}}, %{{.+}} initial %{{.+}}, %{{.+}} lengths %{{.+}} peepholes %{{.+}} {
func.func @lstm_with_states(%gates: tensor<5x3x2x4x8xf32>, %r: tensor<2x4x8x8xf32>, %s: tensor<2x3x8xf32>, %l: tensor<3xi32>, %p: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %y, %h, %c = graph.lstm %gates, %r initial %s, %s lengths %l peepholes %p {direction = "both", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false}
    : (tensor<5x3x2x4x8xf32>, tensor<2x4x8x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<3xi32>, tensor<2x3x8xf32>) -> (tensor<5x2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>)
  return %c : tensor<2x3x8xf32>
}
