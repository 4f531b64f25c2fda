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

def MergeLinear : Pass<"tenon-merge-linear", "::mlir::func::FuncOp"> {
  let summary = "Merge products that follow each other, and constants that are equal";
  let description = [{
    Equal constants become one value, and then equal branches one branch. Two products in a row with nothing between but
    a bias become one where that is fewer multiplications, a convolution and one of 1 x 1 likewise. A scale per channel
    before or after a product goes into its weights. With `parallel`, products of one value (Q, K and V) become one and
    slices: whether that is faster is to be measured.

    ```mlir
    %0 = graph.matmul %x, %w1 : (tensor<4x8xf32>, tensor<8x64xf32>) -> tensor<4x64xf32>
    %1 = graph.matmul %0, %w2 : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32>
    // becomes
    %w = graph.matmul %w1, %w2 : (tensor<8x64xf32>, tensor<64x8xf32>) -> tensor<8x8xf32>   // for tenon-fold-constants
    %1 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    ```

    Equal constants and branches, and parallel products but for the order of their sums, are exact. Merged weights round
    once more, relative 2^-24 each, and their sums have other terms: results agree to rounding. Idempotent after
    tenon-fold-constants.
  }];
  let options = [Option<"parallel", "parallel", "bool", "false", "products of one value become one, with slices">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

#endif // TENON_TRANSFORMS_COMPRESSPASSES
