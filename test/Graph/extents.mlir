// RUN: tenon-opt %s -split-input-file | FileCheck %s

// The normal form of extents: sums of products, constants folded, operands in order.

// CHECK-LABEL: func.func private @sums
//  CHECK-SAME:   #graph.shape<[N + 3]>
//  CHECK-SAME:   #graph.shape<[M + N]>
//  CHECK-SAME:   #graph.shape<[2 * N]>
//  CHECK-SAME:   #graph.shape<[N + -1]>
func.func private @sums(tensor<?xf32, #graph.shape<[1 + N + 2]>>, tensor<?xf32, #graph.shape<[N + M]>>,
                        tensor<?xf32, #graph.shape<[N + N]>>, tensor<?xf32, #graph.shape<[N + -1]>>)

// CHECK-LABEL: func.func @cancels_to_constants
//       CHECK:   graph.dims <[4, 0, 1]>
func.func @cancels_to_constants() -> tensor<3xi64> {
  %0 = graph.dims <[N + 4 + -1 * N, M * N + -1 * N * M, N floordiv N]> : tensor<3xi64>
  return %0 : tensor<3xi64>
}

// CHECK-LABEL: func.func private @products
//  CHECK-SAME:   #graph.shape<[6 * M * N]>
//  CHECK-SAME:   #graph.shape<[2 * N + M * N]>
func.func private @products(tensor<?xf32, #graph.shape<[2 * N * 3 * M]>>, tensor<?xf32, #graph.shape<[N * (M + 2)]>>)

// CHECK-LABEL: func.func private @divisions
//  CHECK-SAME:   #graph.shape<[N + 1]>
//  CHECK-SAME:   #graph.shape<[N floordiv 6]>
//  CHECK-SAME:   #graph.shape<[N + M floordiv 2]>
func.func private @divisions(tensor<?xf32, #graph.shape<[(2 * N + 3) floordiv 2]>>,
                             tensor<?xf32, #graph.shape<[N floordiv 2 floordiv 3]>>,
                             tensor<?xf32, #graph.shape<[(2 * N + M) floordiv 2]>>)

// CHECK-LABEL: func.func private @minima_and_maxima
//  CHECK-SAME:   #graph.shape<[N]>
//  CHECK-SAME:   #graph.shape<[N + 2]>
//  CHECK-SAME:   #graph.shape<[min(M, N)]>
func.func private @minima_and_maxima(tensor<?xf32, #graph.shape<[min(N + 1, N)]>>,
                                     tensor<?xf32, #graph.shape<[max(N, N + 2)]>>,
                                     tensor<?xf32, #graph.shape<[min(N, M)]>>)

// CHECK-LABEL: func.func private @broadcasts
//  CHECK-SAME:   #graph.shape<[N]>
//  CHECK-SAME:   #graph.shape<[broadcast(M, N)]>
func.func private @broadcasts(tensor<?xf32, #graph.shape<[broadcast(1, N)]>>,
                              tensor<?xf32, #graph.shape<[broadcast(broadcast(N, M), N)]>>)

// Names that are no identifiers, or are words of the grammar, are quoted.
// CHECK-LABEL: func.func private @names
//  CHECK-SAME:   #graph.shape<["batch size", "min", seq_len]>
func.func private @names(tensor<?x?x?xf32, #graph.shape<["batch size", "min", "seq_len"]>>)
