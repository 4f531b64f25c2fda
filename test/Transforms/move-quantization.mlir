// RUN: tenon-opt %s -tenon-raise-quantized | FileCheck %s

// Bytes are pooled as bytes; floats of 8 bits cannot be compared.

// CHECK-LABEL: func.func @pools_bytes
//       CHECK:   graph.max_pool {{.*}}xui8
func.func @pools_bytes(%x: tensor<1x4x4x4xf32>) -> tensor<1x4x2x2xui8> {
  %s = graph.constant dense<0.5> : tensor<f32>
  %z = graph.constant dense<3> : tensor<ui8>
  %0 = graph.max_pool %x {ceil_mode = false, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x4x4x4xf32> -> tensor<1x4x2x2xf32>
  %1 = graph.quantize %0, %s, %z : (tensor<1x4x2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x4x2x2xui8>
  return %1 : tensor<1x4x2x2xui8>
}

// CHECK-LABEL: func.func @pools_floats_before_they_are_small
//       CHECK:   graph.max_pool {{.*}}xf32
func.func @pools_floats_before_they_are_small(%x: tensor<1x4x4x4xf32>) -> tensor<1x4x2x2xf8E5M2> {
  %s = graph.constant dense<0.5> : tensor<f32>
  %0 = graph.max_pool %x {ceil_mode = false, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x4x4x4xf32> -> tensor<1x4x2x2xf32>
  %1 = graph.quantize %0, %s : (tensor<1x4x2x2xf32>, tensor<f32>) -> tensor<1x4x2x2xf8E5M2>
  return %1 : tensor<1x4x2x2xf8E5M2>
}
