//===- NormalizationOps.td - Normalisation and softmax --------------------===//
#ifndef GRAPH_NORMALIZATION_OPS
#define GRAPH_NORMALIZATION_OPS

include "Graph/IR/GraphOpBase.td"

class Graph_Softmax<string mnemonic> : Graph_InferredOp<mnemonic, [DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let arguments = (ins AnyRankedTensor:$x, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def SoftmaxOp : Graph_Softmax<"softmax"> {
  let summary = "Softmax along an axis";
  let description = [{
    y = e^(x - max x) / sum e^(x - max x) along `axis`.  C1 0 <= axis < rank.  ONNX: Softmax-13 (older ones are
    reshaped to two dimensions by the importer).
  }];
}

def LogSoftmaxOp : Graph_Softmax<"log_softmax"> {
  let summary = "Logarithm of softmax along an axis";
  let description = "y = x - max x - ln sum e^(x - max x) along `axis`.  C1 0 <= axis < rank.  ONNX: LogSoftmax-13.";
}

def LayerNormalizationOp : Graph_InferredOp<"layer_normalization", [
    DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Normalisation over trailing dimensions";
  let description = [{
    y = (x - mean) / sqrt(var + epsilon) * scale + bias; mean and variance over the dimensions axis .. rank - 1.
    scale and bias broadcast to x from the right.  C1 0 <= axis < rank.  ONNX: LayerNormalization-17, first output.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$scale, Optional<AnyRankedTensor>:$bias, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $scale (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def RmsNormalizationOp : Graph_InferredOp<"rms_normalization", [
    DeclareOpInterfaceMethods<IterationSpaceOpInterface, ["getFlopsPerPoint"]>]> {
  let summary = "Division by the root of the mean square over trailing dimensions";
  let description = [{
    y = x / sqrt(mean(x^2) + epsilon) * scale; the mean over the dimensions axis .. rank - 1. scale broadcasts to x from
    the right.  C1 0 <= axis < rank.  ONNX: RMSNormalization-23.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$scale, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $scale attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def BatchNormalizationOp : Graph_InferredOp<"batch_normalization"> {
  let summary = "Normalisation by stored statistics (inference)";
  let description = [{
    x: [N, C, ...]; scale, bias, mean, var: [C]. y = (x - mean) / sqrt(var + epsilon) * scale + bias.
    C1 the four vectors have extent C.  ONNX: BatchNormalization-15, inference form.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$scale, AnyRankedTensor:$bias, AnyRankedTensor:$mean,
                       AnyRankedTensor:$var, F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$x `,` $scale `,` $bias `,` $mean `,` $var attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // GRAPH_NORMALIZATION_OPS
