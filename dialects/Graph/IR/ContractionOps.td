//===- ContractionOps.td - Matrix products and convolutions ---------------===//
#ifndef GRAPH_CONTRACTION_OPS
#define GRAPH_CONTRACTION_OPS

include "Graph/IR/GraphOpBase.td"

def MatMulOp : Graph_InferredOp<"matmul", [DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Matrix product with broadcast batch dimensions";
  let description = [{
    y[..., m, n] = sum over k of x[..., m, k] * w[..., k, n]; leading dimensions broadcast. A rank-1 operand is a row
    (x) or a column (w) whose dimension disappears from the result, as in numpy. With `transpose_w`, w is [..., n, k]
    (never with a rank-1 w).  C1 the extents of k agree.  ONNX: MatMul-13; Gemm becomes matmul and add in the importer.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$w, UnitAttr:$transpose_w);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $w attr-dict `:` `(` type($x) `,` type($w) `)` `->` type($result)";
}

def ConvOp : Graph_InferredOp<"conv", [DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Convolution";
  let description = [{
    x: [N, C, D1..Dr], w: [M, C/group, K1..Kr], bias: [M], y: [N, M, D1'..Dr'].
    Di' = floor((Di + begin_i + end_i - dil_i * (Ki - 1) - 1) / stride_i) + 1.
    With `channels_last`, x is [N, D1..Dr, C] and y [N, D1'..Dr', M]; w keeps its order.
    `pads` is [begin_1..begin_r, end_1..end_r].
    C1 C = group * dim(w, 1).  C2 group divides M.  C3 attribute lengths agree with r, strides and dilations positive.
    ONNX: Conv-22 (auto_pad and defaults resolved by the importer).
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$w, Optional<AnyRankedTensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       I64Attr:$group, UnitAttr:$channels_last);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $w (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def ConvTransposeOp : Graph_InferredOp<"conv_transpose", []> {
  let summary = "Transposed convolution";
  let description = [{
    x: [N, C, D1..Dr], w: [C, M/group, K1..Kr], bias: [M], y: [N, M, D1'..Dr'].
    Di' = stride_i * (Di - 1) + output_padding_i + dil_i * (Ki - 1) + 1 - begin_i - end_i.
    C1 C = dim(w, 0), a multiple of group.  ONNX: ConvTranspose-22 (output_shape and auto_pad resolved to pads).
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$w, Optional<AnyRankedTensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$output_padding, I64Attr:$group);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $w (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // GRAPH_CONTRACTION_OPS
