//===- CompressPasses.td - Passes that make a model smaller ---------------===//
#ifndef TENON_TRANSFORMS_COMPRESSPASSES
#define TENON_TRANSFORMS_COMPRESSPASSES

include "mlir/Pass/PassBase.td"

def PruneChannels : Pass<"tenon-prune-channels", "::mlir::func::FuncOp"> {
  let summary = "Remove whole channels, and all that goes with them";
  let description = [{
    Of the channels between constant weights, removes those with the smallest weights until no more than a part of the
    multiply-adds is left; tensors, constants and groups of convolutions become smaller.

    ```mlir
    %0 = graph.conv %x, %w0, %b0 {..} : (tensor<1x3x8x8xf32>, tensor<32x3x3x3xf32>, tensor<32xf32>) -> tensor<1x32x8x8xf32>
    %1 = graph.relu %0 : tensor<1x32x8x8xf32> -> tensor<1x32x8x8xf32>
    %2 = graph.conv %1, %w1 {..} : (tensor<1x32x8x8xf32>, tensor<8x32x3x3xf32>) -> tensor<1x8x8x8xf32>
    // becomes
    %0 = graph.conv %x, %w0, %b0 {..} : (tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<1x16x8x8xf32>
    %1 = graph.relu %0 : tensor<1x16x8x8xf32> -> tensor<1x16x8x8xf32>
    %2 = graph.conv %1, %w1 {..} : (tensor<1x16x8x8xf32>, tensor<8x16x3x3xf32>) -> tensor<1x8x8x8xf32>
    ```

    Guarantees: inputs and results keep their types; the values are those of the old graph with zeros in the weights that
    read a removed channel. Not idempotent.
  }];
  let options = [Option<"macs", "macs", "double", "0.5", "the part of the multiply-adds that may stay">,
                 Option<"global", "global", "bool", "false",
                        "remove where a multiply-add costs least, not the same part everywhere">,
                 Option<"multiple", "multiple", "int64_t", "16", "what the number of kept channels is a multiple of">,
                 Option<"leastKept", "least-kept", "double", "0.125", "the least part of a group that stays">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

#endif // TENON_TRANSFORMS_COMPRESSPASSES
