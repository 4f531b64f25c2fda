//===- SpecialOps.td - Operations that few models and few passes meet -----===//
//
// Apart from GraphOps.td and its header, which nearly every file of the compiler includes.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_SPECIAL_OPS
#define GRAPH_SPECIAL_OPS

include "Graph/IR/GraphOpBase.td"

def ScatterOp : Graph_InferredOp<"scatter"> {
  let summary = "Rows of a matrix replaced, or combined with others, by index";
  let description = [{
    x: [P, S], indices: [M], updates: [M, S]; y is x, then for m = 0, 1, .. in this order, every s:
    y[indices[m], s] = f(y[indices[m], s], updates[m, s]), f by `reduction`: none (the update), add, mul, min, max.
    An index outside [0, P) is left out.
    C1 ranks 2, 1 and 2.  C2 indices are i64.  C3 x and updates have one element type.  C4 a known reduction.
    ONNX: ScatterElements-18 and ScatterND-18, whose indices the importer makes flat.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$indices, AnyRankedTensor:$updates, StrAttr:$reduction);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $indices `,` $updates attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def CumProdOp : Graph_InferredOp<"cumprod"> {
  let summary = "Running products along an axis";
  let description = [{
    y[i] = x[0] * .. * x[i] along `axis`; from the other end with `reverse`; without x[i] itself with `exclusive`.
    C1 0 <= axis < rank.  ONNX: CumProd-26 with a constant axis.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$axis, BoolAttr:$exclusive, BoolAttr:$reverse);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def TopKOp : Graph_InferredOp<"top_k"> {
  let summary = "The k largest or smallest elements along an axis, with their indices";
  let description = [{
    values[j], indices[j] (i64) along `axis`: the j-th best of x and where it is; the largest are best with `largest`,
    else the smallest. Of equal elements the first is better; NaN is larger than every number.
    C1 0 <= axis < rank.  C2 x is no bool.  ONNX: TopK-24; without `sorted` the order is free.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$axis, Graph_DimAttr:$k, BoolAttr:$largest);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
  let assemblyFormat = "$x `of` $k attr-dict `:` type($x) `->` `(` type($values) `,` type($indices) `)`";
  let hasVerifier = 1;
}

def DetOp : Graph_InferredOp<"det"> {
  let summary = "Determinants of square matrices";
  let description = [{
    x: [.., M, M], y: [..].  C1 rank 2 or more, the last two extents equal.  C2 x is floating point.  ONNX: Det-22.
  }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def DftOp : Graph_InferredOp<"dft"> {
  let summary = "Discrete Fourier transforms along an axis";
  let description = [{
    x: [.., L, .., p], p of 1 (real) or 2 (real, imaginary), y: [.., K, .., 2]: y[k] = sum over n < N of
    x[n] e^(-2 pi i k n / N) for N of `length`; with `inverse` e^(+..) and divided by N. x is cut or filled with zeros.
    With `onesided` K is N/2 + 1, else N; with `onesided` and `inverse` x is the first half, whose conjugate the second
    half is, and y: [.., N, .., 1] is real.
    C1 0 <= axis < rank - 1.  C2 the last extent is 1 or 2.  C3 f32 or f64.  C4 a constant length is positive.
    ONNX: DFT-20 with a constant axis.
  }];
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$axis, Graph_DimAttr:$length, BoolAttr:$inverse, BoolAttr:$onesided);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `of` $length attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def BitcastOp : Graph_Op<"bitcast", [Pure, DeclareOpInterfaceMethods<ElementwiseOpInterface>,
                                     DeclareOpInterfaceMethods<IterationSpaceOpInterface>]> {
  let summary = "BitCast: the bits of x as another element type";
  let description = "C1 same shape.  C2 element types of as many bits; what has fewer than 8 is a byte (a bool 0 or 1).  ONNX: BitCast-26.";
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

#endif // GRAPH_SPECIAL_OPS
