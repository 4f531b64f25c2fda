// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK: plan.kernel @k0 buffers 3 params 1 nodes ["relu"]
plan.kernel @k0 buffers 3 params 1 nodes ["relu"]

// CHECK: plan.kernel @k1 buffers 1 params 0 nodes [] {codes = array<i32: 1, 2>, maps = 1 : i64}
plan.kernel @k1 buffers 1 params 0 nodes [] {maps = 1, codes = array<i32: 1, 2>}

// CHECK: plan.kernel @k2 buffers 3 params 4 nodes [] {call = #plan.call<library = "cublaslt", element = f32, tf32 = 0, x = 0, w = 1, bias = -1, residual = -1, result = 2, activation = "relu", transposed = 1, window = [], workspace = 1024>}
plan.kernel @k2 buffers 3 params 4 nodes [] {call = #plan.call<library = "cublaslt", element = f32, tf32 = 0, x = 0, w = 1, bias = -1, residual = -1, result = 2, activation = "relu", transposed = 1, window = [], workspace = 1024>}

// CHECK-LABEL: plan.program @main
plan.program @main {
  // CHECK: %[[X:.+]] = plan.input 0 "x" tensor<?x8xf32, #graph.shape<[N, 8]>>
  %x = plan.input 0 "x" tensor<?x8xf32, #graph.shape<[N, 8]>>
  // CHECK: %[[Y:.+]] = plan.output 0 "y" tensor<?x8xf32, #graph.shape<[N, 8]>>
  %y = plan.output 0 "y" tensor<?x8xf32, #graph.shape<[N, 8]>>
  // CHECK: %[[W:.+]] = plan.weight dense<1.000000e+00> : tensor<8xf32> format ""
  %w = plan.weight dense<1.0> : tensor<8xf32> format ""
  // CHECK: plan.check <N> equals <8> "no"
  plan.check <N> equals <8> "no"
  // CHECK: plan.launch @k0(%[[X]], %[[W]], %[[Y]]) grid <N> params <[N]> scratch <0>
  plan.launch @k0(%x, %w, %y) grid <N> params <[N]> scratch <0>
  // CHECK: %[[A:.+]] = plan.arena <32 * N>
  %a = plan.arena <32 * N>
  // CHECK: plan.copy %[[X]] to %[[A]] bytes <32 * N>
  plan.copy %x to %a bytes <32 * N>
  // CHECK: plan.launch @k1(%[[A]]) grid <N> params <[]> scratch <0> {codes = array<i32: 1>, maps = [#plan.map<buffer = 0, element = f16, extents = <[8, N]>, strides = <[16]>, box = [8, 64], swizzle = 128>]}
  plan.launch @k1(%a) grid <N> params <[]> scratch <0> {codes = array<i32: 1>, maps = [#plan.map<buffer = 0, element = f16, extents = <[8, N]>, strides = <[16]>, box = [8, 64], swizzle = 128>]}
}

// CHECK-LABEL: plan.program @rank_0 attributes {graph.rank = 0 : i64}
plan.program @rank_0 attributes {graph.rank = 0 : i64} {
  %x = plan.input 0 "x" tensor<?x8xf32, #graph.shape<[N, 8]>>
  %a = plan.arena <32 * N>
  // CHECK: plan.collective "all_reduce" tensor<?x8xf32, #graph.shape<[N, 8]>> group [0, 1] from %{{.+}} to %{{.+}} {reduction = "max"}
  plan.collective "all_reduce" tensor<?x8xf32, #graph.shape<[N, 8]>> group [0, 1] from %x to %a {reduction = "max"}
  // CHECK: plan.collective "send" tensor<?x8xf32, #graph.shape<[N, 8]>> group [1] from %{{.+}}
  plan.collective "send" tensor<?x8xf32, #graph.shape<[N, 8]>> group [1] from %a
}
