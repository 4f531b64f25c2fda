//===- DataMovementOps.td - Shapes, copies, selection, generators ---------===//
#ifndef GRAPH_DATA_MOVEMENT_OPS
#define GRAPH_DATA_MOVEMENT_OPS

include "Graph/IR/GraphOpBase.td"

def ConstantOp : Graph_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A constant tensor";
  let description = "`value` is dense, or dense_resource over the mapped model (never copied).  ONNX: Constant, initializers.";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def RangeOp : Graph_Op<"range", [Pure]> {
  let summary = "start, start + step, start + 2 step, ..";
  let description = [{
    y: [n], y[i] = start + i * step, integers converted to the result's element type.  C1 rank 1.
    ONNX: Range-11 with a start and an extent known as expressions; fractional steps are scaled by the importer.
  }];
  let arguments = (ins Graph_DimAttr:$start, I64Attr:$step);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$start `step` $step attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def DimsOp : Graph_Op<"dims", [Pure]> {
  let summary = "A tensor of extents";
  let description = [{
    The values of the expressions, as a tensor of rank 0 (one value) or rank 1, converted to the element type.
    C1 as many values as elements.  ONNX: Shape, Size and what is computed from them.
  }];
  let arguments = (ins Graph_ShapeAttr:$values);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$values attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def ReshapeOp : Graph_Op<"reshape", [Pure]> {
  let summary = "The same elements in row-major order under another shape";
  let description = [{
    C1 where both element counts are constants they agree; otherwise the plan checks it.
    ONNX: Reshape-21, Flatten, Squeeze, Unsqueeze, with the shape resolved by the importer.
  }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def TransposeOp : Graph_InferredOp<"transpose", [DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Permuted dimensions";
  let description = "dim(y, i) = dim(x, perm[i]).  C1 perm is a permutation of the axes.  ONNX: Transpose-21.";
  let arguments = (ins AnyRankedTensor:$x, DenseI64ArrayAttr:$perm);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def ExpandOp : Graph_Op<"expand", [Pure, DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Broadcast to a shape";
  let description = "x broadcast, from the right, to the result's shape.  C1 shapes broadcast.  ONNX: Expand-13, ConstantOfShape.";
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def ConcatOp : Graph_InferredOp<"concat"> {
  let summary = "Tensors joined along an axis";
  let description = "C1 0 <= axis < rank.  C2 ranks and the other constant extents agree.  ONNX: Concat-13.";
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
}

def SliceOp : Graph_Op<"slice", [Pure, DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "A strided box of a tensor";
  let description = [{
    y[i0, i1, ..] = x[starts[0] + i0 * steps[0], ..]; extents are the result's. Starts lie inside x (the importer
    clamps as ONNX does); steps are not 0.  C1 one start and one step a dimension.  ONNX: Slice-13, Split.
  }];
  let arguments = (ins AnyRankedTensor:$x, Graph_ShapeAttr:$starts, DenseI64ArrayAttr:$steps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `from` $starts attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def PadOp : Graph_InferredOp<"pad"> {
  let summary = "A tensor with a border";
  let description = [{
    `begins` and `ends` elements (not negative) are added on each side. `mode`: constant (`value`), reflect, edge.
    C1 one begin and one end a dimension.  ONNX: Pad-21 with constant pads; negative ones become graph.slice.
  }];
  let arguments = (ins AnyRankedTensor:$x, DenseI64ArrayAttr:$begins, DenseI64ArrayAttr:$ends, StrAttr:$mode, F64Attr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def GatherOp : Graph_InferredOp<"gather"> {
  let summary = "Slices of a tensor picked by index";
  let description = [{
    y[a.., i.., b..] = x[a.., indices[i..], b..], the axis replaced by the dimensions of indices. A negative index counts
    from the end; one outside [-n, n) is clamped into the table (ONNX leaves it undefined).  C1 0 <= axis < rank.
    C2 indices are i32 or i64.  ONNX: Gather-13.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$indices, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $indices attr-dict `:` `(` type($x) `,` type($indices) `)` `->` type($result)";
  let hasVerifier = 1;
}

#endif // GRAPH_DATA_MOVEMENT_OPS
