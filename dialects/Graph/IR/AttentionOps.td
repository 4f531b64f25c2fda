//===- AttentionOps.td - Attention and rotary positions -------------------===//
#ifndef GRAPH_ATTENTION_OPS
#define GRAPH_ATTENTION_OPS

include "Graph/IR/GraphOpBase.td"

def AttentionOp : Graph_InferredOp<"attention"> {
  let summary = "Scaled dot-product attention";
  let description = [{
    q: [B, Hq, S, E], k: [B, Hk, T, E], v: [B, Hk, T, F], mask: broadcasts to [B, Hq, S, T], y: [B, Hq, S, F].
    s = scale * q k', then softcap * tanh(s / softcap) (softcap 0 = not), plus the mask (or minus infinity where a mask
    of bools is false), minus infinity where j > i + causal_offset (if given); y = softmax(s) v over T. Query head h
    reads head h / (Hq / Hk) of k and v. A row whose every s is minus infinity gives 0; with nan_rows NaN, as softmax
    does (without keys 0 all the same).
    C1 rank 4.  C2 B, E, Hk and T agree.  C3 constant Hq, Hk; Hk divides Hq.  C4 the mask is i1 or of q's type and
    broadcasts.  ONNX: Attention-24; past keys and values are joined by graph.concat, 3-D operands split into heads.
  }];
  let arguments = (ins AnyRankedTensor:$q, AnyRankedTensor:$k, AnyRankedTensor:$v, Optional<AnyRankedTensor>:$mask,
                       F64Attr:$scale, F64Attr:$softcap, OptionalAttr<Graph_DimAttr>:$causal_offset, UnitAttr:$nan_rows);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$q `,` $k `,` $v (`mask` $mask^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def RotaryEmbeddingOp : Graph_InferredOp<"rotary_embedding"> {
  let summary = "Pairs of elements rotated by an angle of their position";
  let description = [{
    x: [.., E]; cos, sin: [.., R / 2], broadcast to x but for the last dimension. With (a, b) = (x[i], x[i + R/2]) the
    pair becomes (a cos[i] - b sin[i], a sin[i] + b cos[i]); elements from R on stay.
    C1 constant E and R / 2, R <= E.  C2 cos and sin have one type and broadcast.
    ONNX: RotaryEmbedding-23, with the caches gathered by position, 3-D operands split into heads, interleaved pairs
    brought apart by transposes.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$cos, AnyRankedTensor:$sin);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $cos `,` $sin attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // GRAPH_ATTENTION_OPS
