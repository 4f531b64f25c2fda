"""What a single node gives: ONNX Runtime without optimisations; where it refuses, onnx.reference.

Nodes are evaluated one by one, so no rewriting of ONNX Runtime stands between a graph and its expected results.
"""
import warnings

import numpy as np
import onnx
import onnx.reference
import onnxruntime

import element_types as et

_REFUSED = set()  # (operator, opset, types, attributes' names) that ONNX Runtime has no kernel for


class Refusal(Exception):
    """No oracle evaluates the node; or not with these values."""


def _options():
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options


_OPTIONS = _options()
_NATIVE = {et.F32, et.F64, et.F16, et.I8, et.I16, et.I32, et.I64, et.U8, et.U16, et.U32, et.U64, et.BOOL}


def node_model(nodes, feeds, constants, outputs, opset, types=None):
    """A model of `nodes`. `feeds`, `constants`: name -> array. `types`: name -> TensorProto type of inputs, else of the feeds."""
    inputs = [onnx.helper.make_tensor_value_info(name, (types or {}).get(name, et.code(array.dtype)), array.shape)
              for name, array in feeds.items()]
    graph = onnx.helper.make_graph(nodes, "node", inputs, [onnx.ValueInfoProto(name=name) for name in outputs],
                                   [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)],
                                  ir_version=min(onnx.IR_VERSION, 10 if opset <= 22 else 12))


def reads_of(node):
    """Names that `node` and the bodies in it read."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                names |= reads_of(inner)
            names |= {value.name for value in attribute.g.output}
    return names


def _key(nodes, arrays, opset):
    return (opset, tuple(str(array.dtype) for array in arrays), tuple(node.op_type for node in nodes),
            tuple(a.name for node in nodes for a in node.attribute))


def _by_runtime(nodes, outputs, samples, constants, opset, inferred=None):
    """`samples`: feeds of each evaluation. Types that Python cannot hand to ONNX Runtime are cast inside, through f32."""
    first = samples[0]
    key = _key(nodes, list(first.values()) + list(constants.values()), opset)
    if key in _REFUSED or any(array.dtype not in _NATIVE for array in first.values()) or \
            any(array.dtype not in _NATIVE for array in constants.values()):
        raise Refusal("type")
    model = node_model(nodes, first, constants, outputs, opset)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), _OPTIONS, providers=["CPUExecutionProvider"])
    except Exception as error:
        if "NOT_IMPLEMENTED" in type(error).__name__.upper() or "NotImplemented" in type(error).__name__:
            _REFUSED.add(key)
        raise Refusal(str(error)) from error
    try:
        return [dict(zip(outputs, session.run(outputs, feeds))) for feeds in samples]
    except Exception as error:
        raise Refusal(str(error)) from error


_F32_SANDWICH = {et.BF16, et.F16}
# Operators whose function is the same with operands in f32 and one rounding of the result.
_ROUNDS_ONCE_NOT = {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "BitCast", "QLinearMatMul", "QLinearConv"}


def _by_wider_runtime(nodes, outputs, samples, constants, opset, inferred):
    """bf16 and f16 as ONNX defines the arithmetic of Tenon: computed in f32, rounded once at the end of the node."""
    types = {array.dtype for array in [*samples[0].values(), *constants.values()]} & _F32_SANDWICH
    if len(types) != 1 or len(nodes) > 1 or nodes[0].op_type in _ROUNDS_ONCE_NOT:
        raise Refusal("type")
    narrow = types.pop()

    def widen(arrays):
        return {name: array.astype(np.float32) if array.dtype == narrow else array for name, array in arrays.items()}
    results = _by_runtime(nodes, outputs, [widen(feeds) for feeds in samples], widen(constants), opset)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [{name: array.astype(narrow) if name in inferred and inferred[name][0] == narrow else array for name, array in result.items()}
                for result in results]


def _by_reference(nodes, outputs, samples, constants, opset, inferred):
    if any(node.op_type == "Loop" and not node.input[1] for node in nodes):
        raise Refusal("takes a condition that is left out as false")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            evaluator = onnx.reference.ReferenceEvaluator(node_model(nodes, samples[0], constants, outputs, opset))
            results = [dict(zip(outputs, evaluator.run(outputs, feeds))) for feeds in samples]
    except Exception as error:
        raise Refusal(str(error)) from error
    for result in results:
        for name, array in result.items():
            if not isinstance(array, (np.ndarray, np.generic)):
                raise Refusal("not a tensor")
            result[name] = np.asarray(array)
    return results


def _result_types(nodes, outputs, feeds, constants, opset):
    """name -> (dtype, extents or None) as ONNX infers them. Raises Refusal where a node is not valid."""
    try:
        model = onnx.shape_inference.infer_shapes(node_model(nodes, feeds, constants, outputs, opset), check_type=True,
                                                  strict_mode=True, data_prop=True)
    except Exception as error:
        raise Refusal(str(error)) from error
    return {info.name: (onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type),
                        [dim.dim_value if dim.HasField("dim_value") else None for dim in info.type.tensor_type.shape.dim]
                        if info.type.tensor_type.HasField("shape") else None)
            for info in model.graph.output if info.type.tensor_type.elem_type}


def _agrees(array, inferred):
    """ONNX Runtime's GlobalMaxPool of f64 adds a dimension, references return other types: neither is an oracle then."""
    if inferred is None:
        return True
    dtype, extents = inferred
    return array.dtype == dtype and (extents is None or len(extents) == array.ndim and all(
        a is None or a == b for a, b in zip(extents, array.shape)))


def second_opinion(nodes, outputs, feeds, constants, opset):
    """What onnx.reference makes of nodes that compute in f64: {} or {name: array}. ONNX Runtime often computes with f32
    there (Resize, Mish, HardSwish, Gelu, Sigmoid): where they differ neither is believed beyond their difference."""
    if not any(array.dtype == et.F64 for array in [*feeds.values(), *constants.values()]):
        return {}
    try:
        return _by_reference(nodes, outputs, [feeds], constants, opset, {})[0]
    except Refusal:
        return {}


def evaluate(nodes, outputs, samples, constants, opset):
    """The `outputs` of `nodes` for each of `samples`: a list of {name: array}. Raises Refusal."""
    reasons = []
    inferred = _result_types(nodes, outputs, samples[0], constants, opset)
    for oracle in (_by_runtime, _by_wider_runtime, _by_reference):
        try:
            results = oracle(nodes, outputs, samples, constants, opset, inferred)
        except Refusal as refusal:
            reasons.append(str(refusal))
            continue
        if all(_agrees(np.asarray(array), inferred.get(name)) for name, array in results[0].items()):
            return [{name: np.asarray(array) for name, array in result.items()} for result in results]
        reasons.append("not as inferred")
    raise Refusal("; ".join(reasons))
