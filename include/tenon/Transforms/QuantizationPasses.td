//===- QuantizationPasses.td - Passes on what is quantized ----------------===//
#ifndef TENON_TRANSFORMS_QUANTIZATION_PASSES
#define TENON_TRANSFORMS_QUANTIZATION_PASSES

include "mlir/Pass/PassBase.td"

def LowerQuantized : Pass<"tenon-lower-quantized", "::mlir::func::FuncOp"> {
  let summary = "Spell out what is quantized in arithmetic";
  let description = [{
    Products of integers become products of f32 where every sum is exact in it (below 2^24, as zero points and constant
    weights prove; over parts of the reduction where not all of it is), and of i32 where that cannot be shown. Numbers of
    4 bits and floats of 8 are read and written by arithmetic on their bytes.

    ```mlir
    %0 = graph.dequantize %q, %s, %z  ->  %1 = graph.cast %q : .. -> tensor<4x8xi32>
                                          %2 = graph.sub %1, %z_i32
                                          %3 = graph.cast %2 : .. -> tensor<4x8xf32>
                                          %0 = graph.mul %3, %s
    ```

    Guarantees: leaves no op of QuantizationOps.td. Results keep their bits.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

#endif // TENON_TRANSFORMS_QUANTIZATION_PASSES
