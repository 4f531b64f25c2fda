// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// Rows of unknown length: a warp each, the first kilobytes of a row kept in shared memory.
// CHECK-LABEL: // k0_softmax: softmax
// CHECK:       // launch: 128 threads, blocks 2 * N * S, shared bytes 16 * min(1024, S)
// CHECK:         TENON_DYNAMIC_SHARED(bytes);
// CHECK-NEXT:    float *const tile = reinterpret_cast<float *>(bytes);
// CHECK:         const Index row = Index(blockIdx.x) * 4 + warp;
// CHECK:         if (row < N_S_8) {
// CHECK:           largest = fmaxf(largest, x_v);
// CHECK:           const float [[MAX:.*]] = warpMax(largest);
// CHECK:           sum += expf(x1 - [[MAX]]);
// CHECK:           const float [[SUM:.*]] = warpSum(sum);
// CHECK:           const float reciprocal = 1.0f / [[SUM]];
// CHECK:           out[row * S + {{.*}}] = expf(x2 - [[MAX]]) * reciprocal;

// Rows of known length stay in registers: what is normalised is read once.
// CHECK-LABEL: // k1_add_layer_normalization
// CHECK:           Vector<float, 4> kept[6];
// CHECK:           #pragma unroll
// CHECK-NEXT:      for (Index k = 0; k < 6; ++k) {
// CHECK:             loadVector<4>(a + offset)
// CHECK:             loadVector<4>(b + offset)
// CHECK:             kept[k] = add;
// CHECK:               mean[l] += add[l];
// CHECK:           = warpSum(mean[0] + mean[1] + mean[2] + mean[3]);
// CHECK-NOT:       loadVector<4>(a
// CHECK:           1.0f / sqrtf({{.*}} + 0.00001f)
// CHECK:           storeVector(out +

// Long rows take a block.
// CHECK-LABEL: // k2_softmax
// CHECK:       // launch: 256 threads, blocks 64, shared bytes 0
// CHECK:         Vector<float, 4> kept[4];
// CHECK:         blockMax(
// CHECK:         blockSum(

// Across rows: the warps of a block share columns.
// CHECK-LABEL: // k3_reduce_mean
// CHECK:         mean += x[(plane * 49 + r) * 1280 + column];
// CHECK:         __shared__ float partial[256];
// CHECK-NEXT:    partial[thread] = mean;
// CHECK-NEXT:    __syncthreads();

func.func @f(%p0: tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>>, %p1: tensor<?x768xf32, #graph.shape<[N, 768]>>, %p2: tensor<768xf32>, %p3: tensor<64x4096xf32>, %p4: tensor<?x49x1280xf32, #graph.shape<[N, 49, 1280]>>) {
  %r = graph.dispatch(%p0) {
  ^bb0(%0: tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>>):
    %2 = graph.softmax %0 {axis = 3 : i64} : tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>> -> tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>>
    graph.yield %2 : tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>>
  } : (tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>>) -> tensor<?x8x?x?xf32, #graph.shape<[N, 8, S, S]>>
  %l = graph.dispatch(%p1, %p1, %p2) {
  ^bb0(%0: tensor<?x768xf32, #graph.shape<[N, 768]>>, %1: tensor<?x768xf32, #graph.shape<[N, 768]>>, %3: tensor<768xf32>):
    %a = graph.add %0, %1 : (tensor<?x768xf32, #graph.shape<[N, 768]>>, tensor<?x768xf32, #graph.shape<[N, 768]>>) -> tensor<?x768xf32, #graph.shape<[N, 768]>>
    %2 = graph.layer_normalization %a, %3, %3 {axis = 1 : i64, epsilon = 1.0e-05 : f64} : (tensor<?x768xf32, #graph.shape<[N, 768]>>, tensor<768xf32>, tensor<768xf32>) -> tensor<?x768xf32, #graph.shape<[N, 768]>>
    graph.yield %2 : tensor<?x768xf32, #graph.shape<[N, 768]>>
  } : (tensor<?x768xf32, #graph.shape<[N, 768]>>, tensor<?x768xf32, #graph.shape<[N, 768]>>, tensor<768xf32>) -> tensor<?x768xf32, #graph.shape<[N, 768]>>
  %s = graph.dispatch(%p3) {
  ^bb0(%0: tensor<64x4096xf32>):
    %2 = graph.softmax %0 {axis = 1 : i64} : tensor<64x4096xf32> -> tensor<64x4096xf32>
    graph.yield %2 : tensor<64x4096xf32>
  } : (tensor<64x4096xf32>) -> tensor<64x4096xf32>
  %c = graph.dispatch(%p4) {
  ^bb0(%0: tensor<?x49x1280xf32, #graph.shape<[N, 49, 1280]>>):
    %2 = graph.reduce_mean %0 {axes = array<i64: 1>, keepdims = false} : tensor<?x49x1280xf32, #graph.shape<[N, 49, 1280]>> -> tensor<?x1280xf32, #graph.shape<[N, 1280]>>
    graph.yield %2 : tensor<?x1280xf32, #graph.shape<[N, 1280]>>
  } : (tensor<?x49x1280xf32, #graph.shape<[N, 49, 1280]>>) -> tensor<?x1280xf32, #graph.shape<[N, 1280]>>
  return
}
