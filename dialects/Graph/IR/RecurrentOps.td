//===- RecurrentOps.td - Recurrences over time ----------------------------===//
#ifndef GRAPH_RECURRENT_OPS
#define GRAPH_RECURRENT_OPS

include "Graph/IR/GraphOpBase.td"

def LstmOp : Graph_InferredOp<"lstm", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Long short-term memory, one layer of one or two directions";
  let description = [{
    gates: [T, N, D, 4, H], the part of the four gates (input, output, forget, cell) that depends on the input alone:
    x W' + Wb + Rb; r: [D, 4, H, H]; initial_h, initial_c: [D, N, H], 0 if absent; lengths: [N] (i32 or i64);
    peepholes: [D, 3, H] (input, output, forget). D is 2 for `direction` both, else 1.

    In each direction, with h and c from the step before and a = gates[t] + h r', clipped to [-clip, clip] (0 = not):
      i = f(a_i + p_i c), g = 1 - i with `input_forget`, else f(a_f + p_f c), C = g c + i act_g(a_c),
      o = f(a_o + p_o C), h = o act_h(C), c = C
    for t = 0 .. T - 1 (backward: T - 1 .. 0). y[t] = h; y_h, y_c are the last h and c. A row n with lengths[n] < T ends
    (backward: begins) at that length: beyond it y is 0 and the states stay. A length outside [0, T] is clamped.
    `activations` are f, act_g, act_h by their ONNX names, with `alpha` and `beta` of each.

    C1 direction is forward, backward or both.  C2 gates has rank 5 and constant D, 4, H; r is [D, 4, H, H].
    C3 states are [D, N, H], lengths [N] integers, peepholes [D, 3, H].  C4 three known activations, alphas and betas.
    ONNX: LSTM-22, whose input product, biases and `layout` are ops of their own; both directions share activations.
  }];
  let arguments = (ins AnyRankedTensor:$gates, AnyRankedTensor:$r, Optional<AnyRankedTensor>:$initial_h,
                       Optional<AnyRankedTensor>:$initial_c, Optional<AnyRankedTensor>:$lengths,
                       Optional<AnyRankedTensor>:$peepholes, StrAttr:$direction, StrArrayAttr:$activations,
                       DenseF64ArrayAttr:$alpha, DenseF64ArrayAttr:$beta, F64Attr:$clip, BoolAttr:$input_forget);
  let results = (outs AnyRankedTensor:$y, AnyRankedTensor:$y_h, AnyRankedTensor:$y_c);
  let assemblyFormat = [{
    $gates `,` $r (`initial` $initial_h^ `,` $initial_c)? (`lengths` $lengths^)? (`peepholes` $peepholes^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getNumDirections();
    int64_t getHiddenSize();
  }];
}

#endif // GRAPH_RECURRENT_OPS
