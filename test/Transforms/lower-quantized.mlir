// RUN: tenon-opt %s -tenon-lower-quantized | FileCheck %s
// RUN: tenon-opt %s -tenon-fold-constants | FileCheck %s --check-prefix=FOLD

// CHECK-LABEL: func @quantize
//   CHECK-NOT:   graph.quantize
//       CHECK:   %[[D:.+]] = graph.div %arg0, %arg1
//       CHECK:   graph.round %[[D]]
//       CHECK:   graph.add
//       CHECK:   graph.min
//       CHECK:   graph.max
//       CHECK:   graph.cast %{{.+}} : tensor<4x8xf32> -> tensor<4x8xui8>
func.func @quantize(%x: tensor<4x8xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<4x8xui8> {
  %0 = graph.quantize %x, %s, %z : (tensor<4x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x8xui8>
  return %0 : tensor<4x8xui8>
}

// Sums of 255 * (100 + 100 + ..) below 2^24 are exact in f32.
// CHECK-LABEL: func @small_weights_multiply_in_f32
//       CHECK:   graph.matmul %{{.+}} : (tensor<4x512xf32>, tensor<512x2xf32>)
//   CHECK-NOT:   graph.matmul
func.func @small_weights_multiply_in_f32(%x: tensor<4x512xui8>) -> tensor<4x2xi32> {
  %w = graph.constant dense<100> : tensor<512x2xi8>
  %0 = graph.integer_matmul %x, %w : (tensor<4x512xui8>, tensor<512x2xi8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// CHECK-LABEL: func @unknown_weights_multiply_in_parts
//       CHECK:   graph.matmul %{{.+}} : (tensor<4x514xf32>, tensor<514x2xf32>)
//       CHECK:   graph.matmul %{{.+}} : (tensor<4x86xf32>, tensor<86x2xf32>)
func.func @unknown_weights_multiply_in_parts(%x: tensor<4x600xui8>, %w: tensor<600x2xi8>) -> tensor<4x2xi32> {
  %z = graph.constant dense<0> : tensor<ui8>
  %0 = graph.integer_matmul %x, %w x_zero %z : (tensor<4x600xui8>, tensor<600x2xi8>, tensor<ui8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// CHECK-LABEL: func @unknown_depth_multiplies_in_i32
//       CHECK:   graph.matmul %{{.+}} : (tensor<4x?xi32, #graph.shape<[4, K]>>
func.func @unknown_depth_multiplies_in_i32(%x: tensor<4x?xui8, #graph.shape<[4, K]>>, %w: tensor<?x2xi8, #graph.shape<[K, 2]>>) -> tensor<4x2xi32> {
  %0 = graph.integer_matmul %x, %w : (tensor<4x?xui8, #graph.shape<[4, K]>>, tensor<?x2xi8, #graph.shape<[K, 2]>>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// Only a run shows that there are as many scales as columns: the type of the result stays.
// CHECK-LABEL: func @extents_that_a_run_shows_equal
//       CHECK:   %[[S:.+]] = graph.reshape %arg1 : tensor<7xf32> -> tensor<1x?xf32, #graph.shape<[1, N]>>
//       CHECK:   %[[Y:.+]] = graph.mul %{{.+}}, %[[S]] : {{.*}} -> tensor<2x?xf32, #graph.shape<[2, N]>>
//       CHECK:   return %[[Y]]
func.func @extents_that_a_run_shows_equal(%q: tensor<2x?xi8, #graph.shape<[2, N]>>, %s: tensor<7xf32>) -> tensor<2x?xf32, #graph.shape<[2, N]>> {
  %0 = graph.dequantize %q, %s : (tensor<2x?xi8, #graph.shape<[2, N]>>, tensor<7xf32>) -> tensor<2x?xf32, #graph.shape<[2, N]>>
  return %0 : tensor<2x?xf32, #graph.shape<[2, N]>>
}

// Weights stay small; what is no larger than before does not.
// FOLD-LABEL: func @weights
//       FOLD:   graph.dequantize
//       FOLD:   graph.constant dense<1.500000e+00> : tensor<4xf32>
//       FOLD:   graph.constant {{.*}} : tensor<100xf32>
//       FOLD:   return
func.func @weights() -> (tensor<100xf32>, tensor<4xf32>, tensor<100xf32>) {
  %s = graph.constant dense<0.5> : tensor<f32>
  %large = graph.constant dense<3> : tensor<100xi8>
  %few = graph.constant dense<3> : tensor<4xi8>
  %bias = graph.constant dense<3> : tensor<100xi32>
  %0 = graph.dequantize %large, %s : (tensor<100xi8>, tensor<f32>) -> tensor<100xf32>
  %1 = graph.dequantize %few, %s : (tensor<4xi8>, tensor<f32>) -> tensor<4xf32>
  %2 = graph.dequantize %bias, %s : (tensor<100xi32>, tensor<f32>) -> tensor<100xf32>
  return %0, %1, %2 : tensor<100xf32>, tensor<4xf32>, tensor<100xf32>
}
