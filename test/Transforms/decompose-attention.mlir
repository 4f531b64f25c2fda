// RUN: tenon-opt %s -tenon-decompose-attention | FileCheck %s
// RUN: tenon-opt %s -tenon-decompose-attention=gpu=true | FileCheck %s --check-prefix=GPU

// CHECK-LABEL: func @heads_that_share_keys_are_rows
//       CHECK:   %[[Q:.+]] = graph.reshape %arg0 : tensor<1x4x3x8xf32> -> tensor<1x2x6x8xf32>
//       CHECK:   %[[S:.+]] = graph.matmul %[[Q]], %arg1 {transpose_w} : {{.*}} -> tensor<1x2x6x7xf32>
//       CHECK:   graph.reshape %[[S]] : tensor<1x2x6x7xf32> -> tensor<1x4x3x7xf32>
//       CHECK:   graph.softmax
//   CHECK-NOT:   graph.reduce_max
//       CHECK:   graph.matmul %{{.+}}, %arg1 : (tensor<1x2x6x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x6x8xf32>
func.func @heads_that_share_keys_are_rows(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x8xf32>) -> tensor<1x4x3x8xf32> {
  %0 = graph.attention %q, %k, %k {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// CHECK-LABEL: func @masks_and_caps
//       CHECK:   graph.tanh
//       CHECK:   graph.where %arg2
//       CHECK:   graph.range <P> step 1
//       CHECK:   graph.less_or_equal
//       CHECK:   graph.softmax
//       CHECK:   graph.reduce_max
//   CHECK-NOT:   graph.attention
func.func @masks_and_caps(%q: tensor<1x4x3x8xf32>, %k: tensor<1x4x7x8xf32>, %m: tensor<3x7xi1>) -> tensor<1x4x3x8xf32> {
  %0 = graph.attention %q, %k, %k mask %m {causal_offset = #graph.dim<P>, scale = 0.5 : f64, softcap = 2.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x4x7x8xf32>, tensor<1x4x7x8xf32>, tensor<3x7xi1>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// What a softmax gives for a row of minus infinity stays.
// CHECK-LABEL: func @nan_rows
//       CHECK:   graph.softmax
//   CHECK-NOT:   graph.reduce_max
//       CHECK:   return
func.func @nan_rows(%q: tensor<1x4x3x8xf32>, %k: tensor<1x4x7x8xf32>, %m: tensor<3x7xi1>) -> tensor<1x4x3x8xf32> {
  %0 = graph.attention %q, %k, %k mask %m {nan_rows, scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x4x7x8xf32>, tensor<1x4x7x8xf32>, tensor<3x7xi1>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// Heads beyond 256 elements have no CUDA kernel.
//   GPU-LABEL: func @heads_that_share_keys_are_rows
//         GPU:   graph.attention
//   GPU-LABEL: func @large_heads
//     GPU-NOT:   graph.attention
func.func @large_heads(%q: tensor<1x4x3x264xf32>) -> tensor<1x4x3x264xf32> {
  %0 = graph.attention %q, %q, %q {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x264xf32>, tensor<1x4x3x264xf32>, tensor<1x4x3x264xf32>) -> tensor<1x4x3x264xf32>
  return %0 : tensor<1x4x3x264xf32>
}
