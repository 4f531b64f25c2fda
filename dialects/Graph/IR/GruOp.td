//===- GruOp.td - Gated recurrent units ------------------------------------===//
//
// Apart from RecurrentOps.td, as few files need it (see SpecialOps.td).
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_GRU_OP
#define GRAPH_GRU_OP

include "Graph/IR/GraphOpBase.td"

def GruOp : Graph_InferredOp<"gru", [AttrSizedOperandSegments]> {
  let summary = "Gated recurrent unit, one layer of one or two directions";
  let description = [{
    gates: [T, N, D, 3, H], the part of update, reset and candidate that depends on the input alone: x W' + Wb, for update
    and reset with Rb; r: [D, 3, H, H]; bias: [D, H], Rb of the candidate, 0 if absent; initial_h: [D, N, H], 0 if absent;
    lengths: [N] (i32 or i64). D is 2 for `direction` both, else 1.

    In each direction, with h from the step before and arguments of f and g clipped to [-clip, clip] (0 = not):
      z = f(gates_z + h r_z'), s = f(gates_r + h r_r'), n = g(gates_n + s (h r_n' + bias)), h = n + z (h - n)
    for t = 0 .. T - 1 (backward: T - 1 .. 0). y[t] = h; y_h is the last h. A row n with lengths[n] < T ends (backward:
    begins) at that length: beyond it y is 0 and the state stays. A length outside [0, T] is clamped.
    `activations` are f and g by their ONNX names, with `alpha` and `beta` of each.

    C1 direction is forward, backward or both.  C2 gates has rank 5 and constant D, 3, H; r is [D, 3, H, H].
    C3 bias [D, H], states [D, N, H], lengths [N] integers.  C4 two known activations, alphas and betas.
    ONNX: GRU-22 with linear_before_reset 1, whose input product and `layout` are ops of their own; both directions
    share activations.
  }];
  let arguments = (ins AnyRankedTensor:$gates, AnyRankedTensor:$r, Optional<AnyRankedTensor>:$bias,
                       Optional<AnyRankedTensor>:$initial_h, Optional<AnyRankedTensor>:$lengths, StrAttr:$direction,
                       StrArrayAttr:$activations, DenseF64ArrayAttr:$alpha, DenseF64ArrayAttr:$beta, F64Attr:$clip);
  let results = (outs AnyRankedTensor:$y, AnyRankedTensor:$y_h);
  let assemblyFormat = [{
    $gates `,` $r (`bias` $bias^)? (`initial` $initial_h^)? (`lengths` $lengths^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getNumDirections();
    int64_t getHiddenSize();
  }];
}

#endif // GRAPH_GRU_OP
