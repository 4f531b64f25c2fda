// RUN: tenon-opt %s --split-input-file --pass-pipeline='builtin.module(tenon-choose-partition{parallel=tensor:4})' | FileCheck %s --check-prefix=TENSOR
// RUN: tenon-opt %s --split-input-file --pass-pipeline='builtin.module(tenon-choose-partition{parallel=data:2,tensor:2 extents=N=64})' | FileCheck %s --check-prefix=MIXED
// RUN: tenon-opt %s --split-input-file --pass-pipeline='builtin.module(tenon-choose-partition{parallel=pipeline:2})' | FileCheck %s --check-prefix=STAGES
// RUN: tenon-opt %s --split-input-file --pass-pipeline='builtin.module(tenon-choose-partition{parallel=data:1})' | FileCheck %s --check-prefix=NONE

// RUN: echo '{"devices": [{"kind": "xeon-avx512", "count": 1}, {"kind": "cpu-avx2", "count": 1}]}' > %t.json
// RUN: tenon-opt %s --split-input-file --pass-pipeline='builtin.module(tenon-choose-partition{cluster=%t.json parallel=tensor:2 extents=N=512})' | FileCheck %s --check-prefix=UNEVEN

// The faster device takes more.
// UNEVEN-LABEL: func.func @products
// UNEVEN-SAME: graph.shares = [array<i64: [[#FAST:]], [[#SLOW:]]>]

// Columns of the first product, rows of the second: one all-reduce for both.
// TENSOR: shard.grid @mesh(shape = 4)
// TENSOR-LABEL: func.func @products
// TENSOR-SAME: graph.axes = ["tensor"]
// TENSOR: graph.matmul {{.*}}graph.split = array<i64: 1>
// TENSOR: graph.relu {{.*}}graph.split = array<i64: 1>
// TENSOR: graph.matmul {{.*}}graph.split = array<i64: 2>
// TENSOR-NOT: graph.stage

// MIXED: shard.grid @mesh(shape = 2x2)
// MIXED: graph.axes = ["data", "tensor"]
// MIXED: graph.matmul {{.*}}graph.split = array<i64: 0, 1>
// MIXED: graph.relu {{.*}}graph.split = array<i64: 0, 1>
// MIXED: graph.matmul {{.*}}graph.split = array<i64: 0, 2>

// STAGES: shard.grid @mesh(shape = 1)
// STAGES: graph.stages = 2
// STAGES: graph.matmul
// STAGES-NOT: graph.stage
// STAGES: graph.relu
// STAGES: graph.matmul {{.*}}graph.stage = 1

// NONE-NOT: shard.grid
// NONE-NOT: graph.split
func.func @products(%x: tensor<?x1024xf32, #graph.shape<[N, 1024]>>, %v: tensor<1024x4096xf32>, %w: tensor<4096x1024xf32>)
    -> tensor<?x1024xf32, #graph.shape<[N, 1024]>> {
  %0 = graph.matmul %x, %v : (tensor<?x1024xf32, #graph.shape<[N, 1024]>>, tensor<1024x4096xf32>) -> tensor<?x4096xf32, #graph.shape<[N, 4096]>>
  %1 = graph.relu %0 : tensor<?x4096xf32, #graph.shape<[N, 4096]>> -> tensor<?x4096xf32, #graph.shape<[N, 4096]>>
  %2 = graph.matmul %1, %w : (tensor<?x4096xf32, #graph.shape<[N, 4096]>>, tensor<4096x1024xf32>) -> tensor<?x1024xf32, #graph.shape<[N, 1024]>>
  return %2 : tensor<?x1024xf32, #graph.shape<[N, 1024]>>
}

// -----

// Heads, through the reshapes around them.
// TENSOR-LABEL: func.func @heads
// TENSOR: graph.matmul {{.*}}graph.split = array<i64: 2>
// TENSOR: graph.reshape {{.*}}graph.split = array<i64: 2>
// TENSOR: graph.transpose {{.*}}graph.split
// TENSOR: graph.matmul {{.*}}graph.split = array<i64: 1>
func.func @heads(%x: tensor<8x128x768xf32>, %w: tensor<768x768xf32>) -> tensor<8x12x128x128xf32> {
  %0 = graph.matmul %x, %w : (tensor<8x128x768xf32>, tensor<768x768xf32>) -> tensor<8x128x768xf32>
  %1 = graph.reshape %0 : tensor<8x128x768xf32> -> tensor<8x128x12x64xf32>
  %2 = graph.transpose %1 {perm = array<i64: 0, 2, 1, 3>} : tensor<8x128x12x64xf32> -> tensor<8x12x128x64xf32>
  %3 = graph.matmul %2, %2 {transpose_w} : (tensor<8x12x128x64xf32>, tensor<8x12x128x64xf32>) -> tensor<8x12x128x128xf32>
  return %3 : tensor<8x12x128x128xf32>
}
