// RUN: tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=tensor:2})' | FileCheck %s

// Four units, then six of the same dimension: it is whole between.

// CHECK-LABEL: func.func @cut_anew
//       CHECK:   graph.exp {{.*}}graph.split
func.func @cut_anew(%x: tensor<1x4x600xf32> {graph.name = "x"}) -> tensor<1x6x400xf32> {
  %0 = graph.exp %x : tensor<1x4x600xf32> -> tensor<1x4x600xf32>
  %1 = graph.reshape %0 : tensor<1x4x600xf32> -> tensor<1x2400xf32>
  %2 = graph.reshape %1 : tensor<1x2400xf32> -> tensor<1x6x400xf32>
  return %2 : tensor<1x6x400xf32>
}

// CHECK-NOT:   graph.reshape {{.*}}graph.split
