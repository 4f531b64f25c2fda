"""Operands that decide shapes, given at run time: one plan serves all their values."""
import numpy as np
import onnx
import onnx.reference
import pytest
from onnx import TensorProto, helper

import tenon


def session(op, inputs, rank, **attributes):
    """One node; `inputs` are (name, type, shape)."""
    node = helper.make_node(op, [name for name, _, _ in inputs], ["y"], name="node", **attributes)
    values = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * rank)
    graph = helper.make_graph([node], "g", values, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return tenon.Session(tenon.compile(model.SerializeToString()))


def ints(*values):
    return np.array(values, np.int64)


X = ("x", TensorProto.FLOAT, [2, 3, 4])
DATA = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def operand(name, size):
    return name, TensorProto.INT64, [size]


@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduced_axes(keepdims):
    s = session("ReduceSum", [X, operand("axes", 2)], 3 if keepdims else 1, keepdims=keepdims)
    for axes in [(0, 1), (0, 2), (1, 2), (-1, 0), (-2, -1)]:
        y, = s.run(None, {"x": DATA, "axes": ints(*axes)})
        np.testing.assert_allclose(y, DATA.sum(axes, keepdims=bool(keepdims)), rtol=1e-6)


@pytest.mark.parametrize("axes", [(0, 0), (0, 3), (-4, 1)])
def test_axes_that_repeat_or_are_out_of_range(axes):
    s = session("ReduceSum", [X, operand("axes", 2)], 3)
    with pytest.raises(tenon.Error, match="node 'node' needs axes in range that differ"):
        s.run(None, {"x": DATA, "axes": ints(*axes)})


def test_reshape():
    s = session("Reshape", [X, operand("shape", 3)], 3)
    for shape in [(4, 3, 2), (-1, 3, 2), (0, -1, 6), (0, 0, 4), (1, 1, 24)]:
        target = [DATA.shape[i] if d == 0 else d for i, d in enumerate(shape)]
        y, = s.run(None, {"x": DATA, "shape": ints(*shape)})
        np.testing.assert_array_equal(y, DATA.reshape(target))
    with pytest.raises(tenon.Error):
        s.run(None, {"x": DATA, "shape": ints(5, 5, 5)})


@pytest.mark.parametrize("op, shape", [("Unsqueeze", (2, 3, 4)), ("Squeeze", (2, 3, 4))])
def test_ones_that_come_and_go(op, shape):
    unsqueezed = {(0, 2): (1, 2, 1, 3, 4), (1, 4): (2, 1, 3, 4, 1), (-1, 0): (1, 2, 3, 4, 1), (3, 4): (2, 3, 4, 1, 1)}
    full = ("x", TensorProto.FLOAT, [None] * 5) if op == "Squeeze" else X
    s = session(op, [full, operand("axes", 2)], 3 if op == "Squeeze" else 5)
    for axes, wide in unsqueezed.items():
        x, expected = (DATA.reshape(wide), shape) if op == "Squeeze" else (DATA, wide)
        y, = s.run(None, {"x": x, "axes": ints(*axes)})
        np.testing.assert_array_equal(y, DATA.reshape(expected))


def test_slices():
    s = session("Slice", [X] + [operand(name, 2) for name in ("starts", "ends", "axes", "steps")], 3)
    for starts, ends, axes, steps in [((0, 1), (2, 3), (1, 2), (1, 1)), ((-1, 3), (-9, 0), (1, 2), (-1, -2)),
                                      ((5, 0), (9, 9), (0, 1), (1, 2)), ((0, -3), (1000, -1), (-3, -1), (1, 1))]:
        at = [slice(None)] * 3
        for start, end, axis, step in zip(starts, ends, axes, steps):
            at[axis] = slice(start, end, step)
        y, = s.run(None, {"x": DATA, "starts": ints(*starts), "ends": ints(*ends), "axes": ints(*axes),
                          "steps": ints(*steps)})
        np.testing.assert_array_equal(y, DATA[tuple(at)])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_pads(mode):
    s = session("Pad", [("x", TensorProto.FLOAT, [3, 4]), operand("pads", 4), ("value", TensorProto.FLOAT, [])], 2,
                mode=mode)
    for top, left, bottom, right in [(0, 1, 2, 3), (2, 0, 0, 1), (0, 0, 0, 0)]:
        y, = s.run(None, {"x": DATA[0], "pads": ints(top, left, bottom, right), "value": np.float32(7)})
        values = {"constant_values": 7} if mode == "constant" else {}
        np.testing.assert_array_equal(y, np.pad(DATA[0], ((top, bottom), (left, right)), mode, **values))


def test_pads_that_cut():
    s = session("Pad", [("x", TensorProto.FLOAT, [3, 4]), operand("pads", 4)], 2)
    y, = s.run(None, {"x": DATA[0], "pads": ints(-1, 1, 0, -2)})
    np.testing.assert_array_equal(y, np.pad(DATA[0][1:, :2], ((0, 0), (1, 0))))


def test_expand_keeps_what_is_there():
    s = session("Expand", [("x", TensorProto.FLOAT, [3, 1]), operand("shape", 2)], 2)
    for shape in [(3, 4), (1, 2), (3, 1)]:
        y, = s.run(None, {"x": DATA[0, :, :1], "shape": ints(*shape)})
        np.testing.assert_array_equal(y, DATA[0, :, :1] * np.ones(shape, np.float32))
    with pytest.raises(tenon.Error):
        s.run(None, {"x": DATA[0, :, :1], "shape": ints(2, 4)})


def test_axis_of_a_running_sum():
    s = session("CumSum", [X, ("axis", TensorProto.INT64, [])], 3)
    for axis in (0, 1, 2, -1, -3):
        y, = s.run(None, {"x": DATA, "axis": np.array(axis, np.int64)})
        np.testing.assert_allclose(y, DATA.cumsum(axis), rtol=1e-6)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_scales_of_a_resize(mode):
    s = session("Resize", [("x", TensorProto.FLOAT, [1, 1, 4, 4]), ("roi", TensorProto.FLOAT, [0]),
                           ("scales", TensorProto.FLOAT, [4])], 4, mode=mode)
    x = DATA.ravel()[:16].reshape(1, 1, 4, 4)
    for scales in [(1, 1, 1, 1), (1, 1, 2, 3), (1, 1, 0.6, 0.5)]:
        y, = s.run(None, {"x": x, "roi": np.zeros(0, np.float32), "scales": np.float32(scales)})
        assert y.shape == tuple(int(n * f) for n, f in zip(x.shape, scales))
        node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode)
        expected, = onnx.reference.ReferenceEvaluator(node).run(None, {"x": x, "scales": np.float32(scales)})
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(tenon.Error, match="multiple of"):
        s.run(None, {"x": x, "roi": np.zeros(0, np.float32), "scales": np.float32([1, 1, 1e-12, 1])})
