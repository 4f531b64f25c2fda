//===- QuantizationOps.td - Numbers of few bits ---------------------------===//
//
// Apart from GraphOps.td, as few files need it (see SpecialOps.td). A number stands for (q - zero point) * scale. No
// target has kernels for all of these: tenon-lower-quantized spells out in arithmetic what has none.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_QUANTIZATION_OPS
#define GRAPH_QUANTIZATION_OPS

include "Graph/IR/GraphOpBase.td"

def QuantizeOp : Graph_Op<"quantize", [Pure, DeclareOpInterfaceMethods<IterationSpaceOpInterface>]> {
  let summary = "Real numbers as numbers of few bits";
  let description = [{
    y = saturate(round(x / scale) + zero_point): rounds to the nearest, ties to even; the division rounds to the type of
    x. To floats of 8 or 4 bits: y = x / scale + zero_point, rounded once; with `saturate` false what is too large
    becomes infinity or NaN.
    scale and zero_point have one shape: of rank 0; or [D_axis], one for each index along `axis`; or, with
    `block_size` > 0, the shape of x but ceil(D_axis / block_size) along `axis`.
    C1 x and scale have one floating-point type.  C2 the result has the shape of x, and integers of at most 16 bits or
    floats of at most 8.  C3 zero_point has the result's element type and the shape of scale.  C4 the shape of scale is
    one of those above.  ONNX: QuantizeLinear-25 (x and scale cast to one type by the importer).

    ```mlir
    %q = graph.quantize %x, %s, %z {axis = 0 : i64} : (tensor<4x8xf32>, tensor<4xf32>, tensor<4xi8>) -> tensor<4x8xi8>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$scale, Optional<AnyRankedTensor>:$zero_point,
                       DefaultValuedAttr<I64Attr, "1">:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $scale (`,` $zero_point^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def DequantizeOp : Graph_InferredOp<"dequantize", [DeclareOpInterfaceMethods<IterationSpaceOpInterface>]> {
  let summary = "Numbers of few bits as real numbers";
  let description = [{
    y = (q - zero_point) * scale in f32, rounded to the type of scale. Shapes of scale and zero_point as of
    graph.quantize. Constants are not folded where that would make weights larger (more than 64 elements of at most 16
    bits).
    C1 scale is floating point.  C2 q has integers of at most 32 bits or floats of at most 8.  C3 zero_point has the type
    of q's elements and the shape of scale.  C4 the shape of scale.  ONNX: DequantizeLinear-25.
  }];
  let arguments = (ins AnyRankedTensor:$q, AnyRankedTensor:$scale, Optional<AnyRankedTensor>:$zero_point,
                       DefaultValuedAttr<I64Attr, "1">:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$q `,` $scale (`,` $zero_point^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def IntegerMatMulOp : Graph_InferredOp<"integer_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Matrix product of 8-bit integers in 32 bits";
  let description = [{
    y[.., m, n] = sum over k of (x[.., m, k] - x_zero) * (w[.., k, n] - w_zero), in i32 (wrapping); leading dimensions
    broadcast. With `transpose_w` w is [.., n, k]. x_zero is one number or [.., m, 1]; w_zero one number, [n] or
    [.., 1, n], in this order with `transpose_w` too.
    C1 x and w have elements of i8 or ui8 and ranks of 2 or more.  C2 the extents of k agree.  C3 zero points have the
    type of their operand's elements and one of the shapes above.  ONNX: MatMulInteger-10 (zero points aligned and
    operands of rank 1 made matrices by the importer).

    ```mlir
    %y = graph.integer_matmul %x, %w x_zero %xz : (tensor<4x8xui8>, tensor<8x2xi8>, tensor<ui8>) -> tensor<4x2xi32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$w, Optional<AnyRankedTensor>:$x_zero,
                       Optional<AnyRankedTensor>:$w_zero, UnitAttr:$transpose_w);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $x `,` $w (`x_zero` $x_zero^)? (`w_zero` $w_zero^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def IntegerConvOp : Graph_InferredOp<"integer_conv", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Convolution of 8-bit integers in 32 bits";
  let description = [{
    As graph.conv of x - x_zero and w - w_zero, in i32 (wrapping), without bias: what is padded adds nothing. Shapes and
    attributes as of graph.conv. x_zero is one number; w_zero one number or [M].
    C1 x and w have elements of i8 or ui8.  C2 operands and attributes fit as those of graph.conv.  C3 zero points have
    the type of their operand's elements and one of the shapes above.  ONNX: ConvInteger-10.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$w, Optional<AnyRankedTensor>:$x_zero,
                       Optional<AnyRankedTensor>:$w_zero, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, I64Attr:$group, UnitAttr:$channels_last);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $x `,` $w (`x_zero` $x_zero^)? (`w_zero` $w_zero^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Unpack2To4Op : Graph_InferredOp<"unpack_2to4"> {
  let summary = "A matrix of which two of four neighbours in a column are not zero";
  let description = [{
    values: f32 [K/2, N], indices: ui4 [K/4, N], result: f32 [K, N]. Of the rows 4 g .. 4 g + 3 of column n row
    4 g + (indices[g, n] & 3) is values[2 g, n], row 4 g + (indices[g, n] >> 2) is values[2 g + 1, n], the others are 0.
    Constants of more than 64 elements are not folded.
    C1 both of rank 2, of f32 and ui4.  C2 twice as many values as indices.  The first index of a pair is below the
    second: else what stands in that place is not defined.

    ```mlir
    %w = graph.unpack_2to4 %v, %i : (tensor<4x8xf32>, tensor<2x8xui4>) -> tensor<8x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$values, AnyRankedTensor:$indices);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$values `,` $indices attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // GRAPH_QUANTIZATION_OPS
