// RUN: tenon-opt --verify-diagnostics --pass-pipeline='builtin.module(func.func(tenon-convert-precision))' %s

func.func @weights_without_data(%x: tensor<4x8xf32>) -> tensor<4x2xf32> {
  %w = graph.constant dense_resource<absent> : tensor<8x2xf32>
  // expected-error@+2 {{TN3001: a constant of this node cannot be read}}
  // expected-note@+1 {{remedy: compile without --precision}}
  %y = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
