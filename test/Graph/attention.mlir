// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @attention
//       CHECK:   graph.attention %{{.+}}, %{{.+}}, %{{.+}} {scale = 5.000000e-01 : f64, softcap = 0.000000e+00 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x6xf32>) -> tensor<1x4x3x6xf32>
func.func @attention(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x6xf32>) -> tensor<1x4x3x6xf32> {
  %0 = graph.attention %q, %k, %v {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x6xf32>) -> tensor<1x4x3x6xf32>
  return %0 : tensor<1x4x3x6xf32>
}

// CHECK-LABEL: func.func @attention_with_mask
//       CHECK:   graph.attention %{{.+}}, %{{.+}}, %{{.+}} mask %{{.+}} {causal_offset = #graph.dim<4>
func.func @attention_with_mask(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x8xf32>, %m: tensor<3x7xi1>) -> tensor<1x4x3x8xf32> {
  %0 = graph.attention %q, %k, %k mask %m {causal_offset = #graph.dim<4>, scale = 0.5 : f64, softcap = 2.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>, tensor<3x7xi1>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// CHECK-LABEL: func.func @rotary_embedding
//       CHECK:   graph.rotary_embedding %{{.+}}, %{{.+}}, %{{.+}} : (tensor<2x4x3x8xf32>, tensor<2x1x3x3xf32>, tensor<2x1x3x3xf32>) -> tensor<2x4x3x8xf32>
func.func @rotary_embedding(%x: tensor<2x4x3x8xf32>, %c: tensor<2x1x3x3xf32>) -> tensor<2x4x3x8xf32> {
  %0 = graph.rotary_embedding %x, %c, %c : (tensor<2x4x3x8xf32>, tensor<2x1x3x3xf32>, tensor<2x1x3x3xf32>) -> tensor<2x4x3x8xf32>
  return %0 : tensor<2x4x3x8xf32>
}
