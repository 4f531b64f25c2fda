"""The groups of docs/Conformance.md: what a test of the ONNX backend suite needs beyond 32-bit floats."""
import onnx
from onnx import TensorProto

CORE = ["float32", "int_bool", "fp16_bf16", "fp64", "quantization", "control_flow", "data_dependent_shape"]
GROUPS = CORE + ["sequence_optional", "subbyte_fp8", "strings", "training_preview", "image_decoder", "ai.onnx.ml",
                 "random"]

_CONTROL = {"If", "Loop", "Scan"}
_RANDOM = {"Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}
_DATA_DEPENDENT = {"NonZero", "Unique", "Compress", "NonMaxSuppression"}
_QUANTIZED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearMatMul", "QLinearConv",
              "ConvInteger", "MatMulInteger"}
_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
_NARROW = {getattr(TensorProto, name) for name in dir(TensorProto)
           if name.startswith(("FLOAT8", "FLOAT4", "FLOAT6", "INT4", "UINT4", "INT2", "UINT2"))}


def _nodes(graph):
    """All nodes, those of subgraphs too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for subgraph in [attribute.g] * attribute.HasField("g") + list(attribute.graphs):
                yield from _nodes(subgraph)


def _element_types(model):
    """Element types of inputs and outputs, and whether all of them are tensors."""
    types, tensors = set(), True
    for value in list(model.graph.input) + list(model.graph.output):
        if value.type.HasField("tensor_type"):
            types.add(value.type.tensor_type.elem_type)
        else:
            tensors = False
            inner = value.type
            while not inner.HasField("tensor_type") and inner.WhichOneof("value"):
                inner = getattr(inner, inner.WhichOneof("value")).elem_type
            types.add(inner.tensor_type.elem_type)
    return types, tensors


def type_names(model):
    """Element types of inputs and outputs, in ONNX's names."""
    return sorted(TensorProto.DataType.Name(kind).lower() for kind in _element_types(model)[0] if kind)


def operators(model):
    """Operator types of a model, in order of first use."""
    return list(dict.fromkeys(node.op_type for node in _nodes(model.graph)))


def group_of(model: onnx.ModelProto) -> str:
    """The first of these that applies."""
    ops, domains = set(operators(model)), {node.domain for node in _nodes(model.graph)}
    types, tensors = _element_types(model)
    if "ai.onnx.preview.training" in domains:
        return "training_preview"
    if "ImageDecoder" in ops:
        return "image_decoder"
    if "ai.onnx.ml" in domains:
        return "ai.onnx.ml"
    if ops & _RANDOM:
        return "random"
    if TensorProto.STRING in types or "TfIdfVectorizer" in ops:
        return "strings"
    if not tensors or any(("Sequence" in op or "Optional" in op) and op != "ReverseSequence" for op in ops):
        return "sequence_optional"
    if types & _NARROW:
        return "subbyte_fp8"
    if ops & _CONTROL:
        return "control_flow"
    if ops & _QUANTIZED:
        return "quantization"
    if ops & _DATA_DEPENDENT:
        return "data_dependent_shape"
    if types & {TensorProto.FLOAT16, TensorProto.BFLOAT16}:
        return "fp16_bf16"
    if TensorProto.DOUBLE in types:
        return "fp64"
    return "float32" if types & _FLOATS else "int_bool"
