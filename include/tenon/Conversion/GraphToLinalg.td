//===- GraphToLinalg.td - From graph operations to linalg -----------------===//
#ifndef TENON_CONVERSION_GRAPHTOLINALG
#define TENON_CONVERSION_GRAPHTOLINALG

include "mlir/Pass/PassBase.td"

def ConvertGraphToLinalg : Pass<"tenon-convert-graph-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "Rewrite graph ops as linalg.generic";
  let description = [{
    Elementwise ops, reductions, transpose and expand become linalg.generic with the maps of their iteration space;
    softmax and normalisations are taken apart first (the largest element, then exponentials; the mean, then the
    variance). Ops inside graph.dispatch included. What linalg cannot say stays a graph op: data-dependent and symbolic
    data movement, windows, and broadcasts decided at run time.

    ```mlir
    %0 = graph.relu %x : tensor<4xf32> -> tensor<4xf32>
    // becomes
    %e = tensor.empty() : tensor<4xf32>
    %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x) outs(%e) {
      ^bb0(%in: f32, %out: f32): %m = arith.maximumf %in, %zero : f32  linalg.yield %m : f32
    }
    ```

    Guarantees: idempotent; types of values do not change.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // TENON_CONVERSION_GRAPHTOLINALG
