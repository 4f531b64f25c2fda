//===- QuantizationPasses.td - Passes on what is quantized ----------------===//
#ifndef TENON_TRANSFORMS_QUANTIZATION_PASSES
#define TENON_TRANSFORMS_QUANTIZATION_PASSES

include "mlir/Pass/PassBase.td"

def RaiseQuantized : Pass<"tenon-raise-quantized", "::mlir::func::FuncOp"> {
  let summary = "Products of integers from products of what stands for them";
  let description = [{
    A product or convolution of dequantized numbers becomes one of the integers, where a processor has a kernel for it:
    the sum is exact, and scaled once. Weights become signed. What moves data, or takes the largest, moves the codes.

    ```mlir
    %0 = graph.dequantize %q, %sx, %zx        %0 = graph.integer_matmul %q, %w x_zero %zx
    %1 = graph.dequantize %w, %sw         ->  %1 = graph.cast %0 : .. -> tensor<4x2xf32>
    %2 = graph.matmul %0, %1                  %2 = graph.mul %1, %s    // sx * sw
    ```

    Integers stay what they are; f32 is within the rounding of a sum of products. Idempotent. Declines, with a remark,
    where i32 may not hold the sum: it would wrap.
  }];
  let options = [Option<"everywhere", "everywhere", "bool", "false", "also where no processor's kernel is known: for tests">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

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

    With `keeps-weights` constant weights that a kernel of the CPU decodes itself keep their form: those of products, and
    of convolutions of one or two dimensions, which the layout pass puts channels last. The pass is run once more after
    that one.

    With `keeps-products` products of integers stay that a processor has a kernel for, and with `keeps-conversions`
    conversions of what is no constant between f32 and integers of 8 and 16 bits, through which transposes sink. Without
    the latter a conversion to f32 is made for each of its uses.

    Guarantees: leaves no other op of QuantizationOps.td. Results keep their bits.
  }];
  let options = [Option<"keepsWeights", "keeps-weights", "bool", /*default=*/"false",
                        "leave weights to the kernels that decode them">,
                 Option<"keepsProducts", "keeps-products", "bool", "false", "leave products of integers to kernels">,
                 Option<"keepsConversions", "keeps-conversions", "bool", "false",
                        "leave conversions between f32 and integers of 8 and 16 bits">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def GatherSmallTables : Pass<"tenon-gather-small-tables", "::mlir::func::FuncOp"> {
  let summary = "Pick rows of a quantized table before they become real numbers";
  let description = [{
    The table of an embedding then stays as small as it is stored. Of numbers of 4 bits two share a byte: column j and
    column j + half of a row.

    ```mlir
    %t = graph.dequantize %q, %s          %r = graph.gather %q, %i
    %y = graph.gather %t, %i          ->  %f = graph.gather %s, %i    // where each row has scales of its own
                                          %y = graph.dequantize %r, %f
    ```

    Results keep their bits. Declines where rows share scales in blocks.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

#endif // TENON_TRANSFORMS_QUANTIZATION_PASSES
