"""Regions without a kernel on the GPU run on the processor beside it."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tenon
from conftest import BUILD


def model():
    """Products and running sums in turns; what is on the host is read there, on the device, and returned."""
    weight = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32) / 4
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("CumSum", ["a", "axis"], ["b"]),
             helper.make_node("Relu", ["b"], ["c"]), helper.make_node("CumSum", ["b", "axis"], ["d"]),
             helper.make_node("Reshape", ["d", "flat"], ["e"]), helper.make_node("Add", ["c", "d"], ["f"]),
             helper.make_node("Softmax", ["f"], ["g"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8])]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("g", "b", "e")]
    constants = [numpy_helper.from_array(value, name) for name, value in
                 (("w", weight), ("axis", np.array(0, np.int64)), ("flat", np.array([-1], np.int64)))]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), weight


@pytest.mark.parametrize("threads", [1, 3])
def test_they_agree_with_the_processor(monkeypatch, threads):
    monkeypatch.setenv("TENON_DEVICE_PATH", str(BUILD / "lib"))
    proto, weight = model()
    session = tenon.Session(tenon.compile(proto, target="vgpu"), threads=threads)
    for rows in (1, 5, 0, 5, 300):
        x = np.random.default_rng(rows).standard_normal((rows, 8)).astype(np.float32)
        g, b, e = session.run(None, {"x": x})
        sums = np.cumsum(x @ weight, 0)
        twice = np.cumsum(sums, 0)
        np.testing.assert_allclose(b, sums, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(e, twice.ravel(), rtol=1e-4, atol=1e-3)
        f = np.maximum(sums, 0) + twice
        f = np.exp(f - f.max(-1, keepdims=True)) if rows else f
        np.testing.assert_allclose(g, f / f.sum(-1, keepdims=True), rtol=1e-3, atol=1e-4)


def test_they_may_be_refused():
    with pytest.raises(tenon.Error) as caught:
        tenon.compile(model()[0], target="vgpu", host_kernels=False)
    assert caught.value.code == "TN5001"
