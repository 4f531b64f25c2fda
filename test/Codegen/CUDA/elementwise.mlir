// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// A bias and an activation: vectors of 16 bytes, a template over the index where extents are not known.
// CHECK-LABEL: // k0_add_relu: add relu
// CHECK-NEXT:  //   a: f32[N, 64]
// CHECK-NEXT:  //   b: f32[64]
// CHECK-NEXT:  //   out: f32[N, 64]
// CHECK-NEXT:  // launch: 256 threads, blocks min(65536, (16 * N + 255) floordiv 256), shared bytes 0
// CHECK-NEXT:  template <class Index>
// CHECK-NEXT:  TENON_DEVICE void k0_add_relu_body(const float *__restrict__ a, const float *__restrict__ b, float *__restrict__ out,
// CHECK-NEXT:      Index N_16) {
// CHECK-NEXT:    for (Index v = Index(blockIdx.x) * 256 + Index(threadIdx.x); v < N_16; v += Index(gridDim.x) * 256) {
// CHECK-NEXT:      const Index i = v * 4;
// CHECK-NEXT:      const Vector<float, 4> a_v = loadVector<4>(a + i);
// CHECK-NEXT:      const Vector<float, 4> b_v = loadVector<4>(b + i % 64);
// CHECK-NEXT:      Vector<float, 4> relu;
// CHECK-NEXT:      #pragma unroll
// CHECK-NEXT:      for (int l = 0; l < 4; ++l)
// CHECK-NEXT:        relu[l] = maximum(a_v[l] + b_v[l], 0.0f);
// CHECK-NEXT:      storeVector(out + i, relu);
// CHECK:       extern "C" __global__ void __launch_bounds__(256, 3)
// CHECK-NEXT:  k0_add_relu(
// CHECK:         if (elements < (1 << 30))
// CHECK-NEXT:      k0_add_relu_body<int>(a, b, out, int(N_16));
// CHECK:       TENON_KERNEL(k0_add_relu);

// Constant extents: plain ints, and a scalar tail.
// CHECK-LABEL: // k1_sigmoid_mul
// CHECK:       k1_sigmoid_mul(const float *__restrict__ x, float *__restrict__ out) {
// CHECK:         const int thread = int(blockIdx.x) * 256 + int(threadIdx.x);
// CHECK:         for (int v = thread; v < 16; v += stride) {
// CHECK:             mul[l] = 1.0f / (expf(-x_v[l]) + 1.0f) * x_v[l];
// CHECK:         for (int i{{[0-9]*}} = thread + 64; {{.*}} < 67;

// The table's rows are read in vectors; indices count from the end where they are negative.
// CHECK-LABEL: // k2_gather
// CHECK:       storeVector(out + i, loadVector<4>(table + {{.*}}));

// A slice is an offset; its rows may start anywhere.
// CHECK-LABEL: // k3_slice
// CHECK:       loadElements<4>(x + {{.*}} + 3)

func.func @f(%p0: tensor<?x64xf32, #graph.shape<[N, 64]>>, %p1: tensor<64xf32>, %p2: tensor<67xf32>, %p3: tensor<9x8xf32>, %p4: tensor<5xi64>) {
  %r = graph.dispatch(%p0, %p1) {
  ^bb0(%0: tensor<?x64xf32, #graph.shape<[N, 64]>>, %1: tensor<64xf32>):
    %2 = graph.add %0, %1 : (tensor<?x64xf32, #graph.shape<[N, 64]>>, tensor<64xf32>) -> tensor<?x64xf32, #graph.shape<[N, 64]>>
    %3 = graph.relu %2 : tensor<?x64xf32, #graph.shape<[N, 64]>> -> tensor<?x64xf32, #graph.shape<[N, 64]>>
    graph.yield %3 : tensor<?x64xf32, #graph.shape<[N, 64]>>
  } : (tensor<?x64xf32, #graph.shape<[N, 64]>>, tensor<64xf32>) -> tensor<?x64xf32, #graph.shape<[N, 64]>>
  %s = graph.dispatch(%p2) {
  ^bb0(%1: tensor<67xf32>):
    %3 = graph.sigmoid %1 : tensor<67xf32> -> tensor<67xf32>
    %4 = graph.mul %3, %1 : (tensor<67xf32>, tensor<67xf32>) -> tensor<67xf32>
    graph.yield %4 : tensor<67xf32>
  } : (tensor<67xf32>) -> tensor<67xf32>
  %g = graph.dispatch(%p3, %p4) {
  ^bb0(%0: tensor<9x8xf32>, %1: tensor<5xi64>):
    %2 = graph.gather %0, %1 {axis = 0 : i64} : (tensor<9x8xf32>, tensor<5xi64>) -> tensor<5x8xf32>
    graph.yield %2 : tensor<5x8xf32>
  } : (tensor<9x8xf32>, tensor<5xi64>) -> tensor<5x8xf32>
  %t = graph.dispatch(%p3) {
  ^bb0(%0: tensor<9x8xf32>):
    %2 = graph.slice %0 from <[0, 3]> {steps = array<i64: 1, 1>} : tensor<9x8xf32> -> tensor<9x4xf32>
    graph.yield %2 : tensor<9x4xf32>
  } : (tensor<9x8xf32>) -> tensor<9x4xf32>
  return
}
