// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// A product of f32 is an instance of the template; what follows it is printed as its epilogue.
// CHECK:       #include "tenon/cuda/gemm_simt.cuh"
// CHECK-NEXT:  // k0_matmul_add_relu: matmul add relu
// CHECK:       struct k0_matmul_add_relu_Epilogue {
// CHECK-NEXT:    const float *__restrict__ a;
// CHECK-NEXT:    template <class Index>
// CHECK-NEXT:    TENON_DEVICE float operator()(float sum, Index row, Index column) const {
// CHECK-NEXT:      return maximum(sum + a[column], 0.0f);
// CHECK-NEXT:    }
// CHECK-NEXT:  };
// CHECK:       k0_matmul_add_relu(const float *__restrict__ x, const float *__restrict__ weight, const float *__restrict__ a,
// CHECK-NEXT:      float *__restrict__ out, int64_t m, int64_t n, int64_t k, int64_t batch) {
// CHECK-NEXT:    const k0_matmul_add_relu_Epilogue epilogue{a};
// CHECK-NEXT:    using Tile = GemmSimt<64, 64, 16, 4, 4, 2, true>;
// CHECK-NEXT:    Tile::run({int(m), int(n), int(k), int(batch)}, rowMajor(x, int(m), int(k)), rowMajor(weight, int(n), int(k)),
// CHECK-NEXT:              storeTo(out, n, m * n, [=](float sum, int64_t matrix, int row, int column) {
// CHECK-NEXT:                return epilogue(sum, matrix * m + row, int64_t(column));

// What no template takes is a loop per element.
// CHECK-LABEL: // k1_conv
// CHECK:         float sum = 0.0f;
// CHECK-NEXT:      for (Index tap = {{.*}}
// CHECK:               x[{{.*}}] * weight[{{.*}}];
// CHECK-NEXT:          sum += conv;

func.func @f(%p0: tensor<?x784xf32, #graph.shape<[N, 784]>>, %p1: tensor<64x784xf32>, %p2: tensor<64xf32>, %p3: tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, %p4: tensor<4x3x3x3xf32>) {
  %r = graph.dispatch(%p0, %p1, %p2) {
  ^bb0(%0: tensor<?x784xf32, #graph.shape<[N, 784]>>, %1: tensor<64x784xf32>, %2: tensor<64xf32>):
    %3 = graph.matmul %0, %1 {transpose_w} : (tensor<?x784xf32, #graph.shape<[N, 784]>>, tensor<64x784xf32>) -> tensor<?x64xf32, #graph.shape<[N, 64]>>
    %4 = graph.add %3, %2 : (tensor<?x64xf32, #graph.shape<[N, 64]>>, tensor<64xf32>) -> tensor<?x64xf32, #graph.shape<[N, 64]>>
    %5 = graph.relu %4 : tensor<?x64xf32, #graph.shape<[N, 64]>> -> tensor<?x64xf32, #graph.shape<[N, 64]>>
    graph.yield %5 : tensor<?x64xf32, #graph.shape<[N, 64]>>
  } : (tensor<?x784xf32, #graph.shape<[N, 784]>>, tensor<64x784xf32>, tensor<64xf32>) -> tensor<?x64xf32, #graph.shape<[N, 64]>>
  %c = graph.dispatch(%p3, %p4) {
  ^bb0(%0: tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, %1: tensor<4x3x3x3xf32>):
    %2 = graph.conv %0, %1 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64, channels_last} : (tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, tensor<4x3x3x3xf32>) -> tensor<?x8x8x4xf32, #graph.shape<[N, 8, 8, 4]>>
    graph.yield %2 : tensor<?x8x8x4xf32, #graph.shape<[N, 8, 8, 4]>>
  } : (tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>, tensor<4x3x3x3xf32>) -> tensor<?x8x8x4xf32, #graph.shape<[N, 8, 8, 4]>>
  return
}
