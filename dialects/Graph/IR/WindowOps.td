//===- WindowOps.td - Pooling and resampling ------------------------------===//
#ifndef GRAPH_WINDOW_OPS
#define GRAPH_WINDOW_OPS

include "Graph/IR/GraphOpBase.td"

class Graph_Pool<string mnemonic> : Graph_InferredOp<mnemonic, [DeclareOpInterfaceMethods<IterationSpaceOpInterface>]> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def MaxPoolOp : Graph_Pool<"max_pool"> {
  let summary = "Maximum over windows";
  let description = [{
    x: [N, C, D1..Dr] (or channels_last), padding is minus infinity. Di' as in graph.conv, rounded up with `ceil_mode`
    (a window that starts in the end padding is dropped).  C1 attribute lengths agree with r.  ONNX: MaxPool-22, first output.
  }];
  let arguments = (ins AnyRankedTensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, BoolAttr:$ceil_mode, UnitAttr:$channels_last);
}

def AveragePoolOp : Graph_Pool<"average_pool"> {
  let summary = "Mean over windows";
  let description = [{
    As graph.max_pool; the divisor counts the elements inside the input, or with `count_include_pad` those inside the
    padded input.  ONNX: AveragePool-22. Global pooling is graph.reduce_mean.
  }];
  let arguments = (ins AnyRankedTensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, BoolAttr:$ceil_mode, BoolAttr:$count_include_pad, UnitAttr:$channels_last);
}

def ResizeOp : Graph_Op<"resize", [Pure]> {
  let summary = "Resampling";
  let description = [{
    Every dimension i is resampled by scales[i] (1 = unchanged). `mode`: nearest, linear. `coordinates`: asymmetric,
    half_pixel, pytorch_half_pixel, align_corners. `rounding` (nearest): floor, ceil, round_prefer_floor,
    round_prefer_ceil. Extents are the result type's: floor(Di * scales[i]), or ONNX's sizes with `scales` left out.
    C1 the rank stays.  ONNX: Resize-19 without roi and antialias.
  }];
  let arguments = (ins AnyRankedTensor:$x, OptionalAttr<DenseF64ArrayAttr>:$scales, StrAttr:$mode, StrAttr:$coordinates, StrAttr:$rounding);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

#endif // GRAPH_WINDOW_OPS
