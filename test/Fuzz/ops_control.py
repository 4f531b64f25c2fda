"""Control flow that is known when a model is imported."""
import numpy as np
import onnx
from onnx import helper

import element_types as et
from registry import op

_STEPS = ("Add", "Mul", "Sub", "Max")


def _info(name, value):
    return helper.make_tensor_value_info(name, et.code(value.dtype), value.shape)


def _body(m, prefix, start, reads, length):
    """Nodes that go from the value named `start` to `prefix`_out, reading values of the graph around."""
    nodes, last = [], start
    for i in range(length):
        name = f"{prefix}_{i}" if i + 1 < length else f"{prefix}_out"
        nodes.append(helper.make_node(m.one_of(_STEPS), [last, m.one_of(reads).name], [name]))
        last = name
    return nodes


def _operands(m):
    x = m.tensor((et.F32, et.F32, et.F64, et.I32, et.I64), low=-2, high=2, test=lambda v: v.array.size > 0)
    reads = [x] + [m.tensor((x.dtype,), shape=x.shape, low=-2, high=2) for _ in range(m.integer(0, 2))]
    return x, reads


@op("If", weight=0.5)
def branch(m, name):
    x, reads = _operands(m)
    tag = f"b{len(m.nodes)}"
    graphs = [helper.make_graph(_body(m, f"{tag}{side}", x.name, reads, m.integer(1, 3)), side, [],
                                [_info(f"{tag}{side}_out", x)]) for side in ("t", "e")]
    condition = m.constant(np.asarray(m.chance(0.5)))
    m.emit(name, [condition], body_reads=reads, then_branch=graphs[0], else_branch=graphs[1])


@op("Loop", weight=0.4)
def loop(m, name):
    x, reads = _operands(m)
    tag = f"l{len(m.nodes)}"
    start = f"{tag}_in"
    nodes = _body(m, tag, start, reads, m.integer(1, 2))
    given = m.chance(0.5)  # what the body reads as its condition where none is given differs
    nodes.append(helper.make_node("Identity", [f"{tag}_c"], [f"{tag}_d"]) if given else helper.make_node(
        "Constant", [], [f"{tag}_d"], value=onnx.numpy_helper.from_array(np.asarray(True))))
    scans = m.chance(0.5)
    outputs = [helper.make_tensor_value_info(f"{tag}_d", onnx.TensorProto.BOOL, []), _info(f"{tag}_out", x)]
    if scans:
        nodes.append(helper.make_node("Neg", [f"{tag}_out"], [f"{tag}_s"]))
        outputs.append(_info(f"{tag}_s", x))
    body = helper.make_graph(nodes, "body", [helper.make_tensor_value_info(f"{tag}_i", onnx.TensorProto.INT64, []),
                                             helper.make_tensor_value_info(f"{tag}_c", onnx.TensorProto.BOOL, []),
                                             _info(start, x)], outputs)
    count = m.constant(np.asarray(m.integer(1, 4)), np.int64)
    m.emit(name, [count, m.constant(np.asarray(True)) if given else None, x], outputs=[True] * (2 if scans else 1),
           body_reads=reads, body=body)


@op("Scan", weight=0.3)
def scan(m, name):
    rows = m.tensor((et.F32, et.F32, et.F64), rank=(1, 3), low=-2, high=2,
                    test=lambda v: v.array.size > 0 and v.shape[0] <= 9)
    state = m.tensor((rows.dtype,), shape=rows.shape[1:], low=-2, high=2)
    tag = f"s{len(m.nodes)}"
    item = state
    nodes = [helper.make_node(m.one_of(("Add", "Max", "Sub")), [f"{tag}_h", f"{tag}_x"], [f"{tag}_n"]),
             helper.make_node("Tanh", [f"{tag}_n"], [f"{tag}_y"])]
    body = helper.make_graph(nodes, "body", [_info(f"{tag}_h", item), _info(f"{tag}_x", item)],
                             [_info(f"{tag}_n", item), _info(f"{tag}_y", item)])
    more = {"scan_input_directions": [1]} if m.chance(0.3) else {}
    m.emit(name, [state, rows], outputs=2, body=body, num_scan_inputs=1, **more)
