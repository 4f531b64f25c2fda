"""tenon.compress and the arguments of tenon.compile that compress: options, data, files, repeatability."""
import numpy as np
import onnx
import onnxruntime
import pytest
import tenon
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(0)


def network(scale: float = 1.0) -> onnx.ModelProto:
    """x [N, 64] -> relu(x a) b, the first product `scale` times as large; names of nodes are "first", .., "second"."""
    weights = {"a": rng.normal(size=(64, 128)) * scale / 8, "b": rng.normal(size=(128, 32)) / (11 * scale)}
    nodes = [helper.make_node("MatMul", ["x", "a"], ["h"], "first"), helper.make_node("Relu", ["h"], ["r"], "middle"),
             helper.make_node("MatMul", ["r", "b"], ["y"], "second")]
    graph = helper.make_graph(nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 64])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 32])],
                              [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


X = rng.normal(size=(48, 64)).astype(np.float32)
SAMPLES = [{"x": row} for row in X]


def run(model, x=X):
    return tenon.Session(tenon.compile(model)).run(None, {"x": x})[0]


def reference(path, x=X):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options).run(None, {"x": x})[0]


def error(value, of):
    return np.linalg.norm(value - of) / np.linalg.norm(of)


@pytest.mark.parametrize("options, least, most", [
    ({"quantize": "int8"}, 1e-4, 0.02), ({"quantize": "int8-dynamic"}, 1e-4, 0.02),
    ({"quantize": "int8-weights"}, 1e-4, 0.01), ({"quantize": "int4:32"}, 1e-3, 0.1), ({"quantize": "fp8"}, 1e-3, 0.06),
    ({"quantize": "fp8-e5m2"}, 1e-3, 0.1), ({"quantize": "int4", "rounding": "awq"}, 1e-3, 0.15),
    ({"prune": "2:4"}, 1e-2, 0.5), ({"prune": "magnitude:0.25", "prune_method": "wanda"}, 1e-3, 0.2),
    ({"low_rank": 0.7}, 1e-3, 0.45), ({"merge": True}, 0, 1e-6),
    ({"prune": "2:4", "quantize": "int8", "range": "entropy"}, 1e-2, 0.5),
    ({"quantize": "int8", "range": "percentile:99.9"}, 1e-4, 0.05)])
def test_compressed_models_are_near_and_the_same_everywhere(tmp_path, options, least, most):
    model, path = network(), str(tmp_path / "small.onnx")
    tenon.compress(model, path, calibration=SAMPLES, **options)
    small = run(path)
    assert least <= error(small, run(model)) <= most
    # One code may fall the other way where a sum is rounded in another order; no more.
    assert error(small, reference(path)) < 2e-3 if "quantize" in options else 1e-6


def test_compile_takes_the_same_options(tmp_path):
    model, path = network(), str(tmp_path / "small.onnx")
    tenon.compress(model, path, quantize="int8", calibration=SAMPLES)
    plan = tenon.compile(model, quantize="int8", calibration=SAMPLES)
    np.testing.assert_array_equal(tenon.Session(plan).run(None, {"x": X})[0], run(path))
    assert plan.path.stat().st_size < tenon.compile(model).path.stat().st_size


def test_the_same_bytes_every_time(tmp_path):
    model, data = network(), str(tmp_path / "data.npz")
    tenon.data.save(SAMPLES, data)
    for name in "ab":
        tenon.compress(model, tmp_path / name, quantize="int4", prune="2:4", calibration=data)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nodes_that_are_kept_stay(tmp_path):
    tenon.compress(network(), tmp_path / "small.onnx", quantize="int8-weights", keep=["sec*"])
    types = {init.name: init.data_type for init in onnx.load(tmp_path / "small.onnx").graph.initializer}
    sizes = [np.prod(init.dims) for init in onnx.load(tmp_path / "small.onnx").graph.initializer
             if init.data_type == TensorProto.FLOAT]
    assert TensorProto.INT8 in types.values() and 128 * 32 in sizes and 64 * 128 not in sizes


def test_what_overflows_sixteen_bits_keeps_f32(tmp_path):
    model = network(scale=1e5)  # h has numbers above 65504, y does not
    tenon.compress(model, tmp_path / "unsafe.onnx", precision="fp16")
    tenon.compress(model, tmp_path / "safe.onnx", precision="fp16", calibration=SAMPLES)
    exact = run(model)
    assert not np.isfinite(run(tmp_path / "unsafe.onnx")).all() or error(run(tmp_path / "unsafe.onnx"), exact) > 0.1
    assert error(run(tmp_path / "safe.onnx"), exact) < 5e-3


def test_what_is_no_matrix_or_too_deep_keeps_f32(tmp_path):
    w = rng.normal(size=(64, 32)).astype(np.float32)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], "vector")], "vector",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [64])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [32])],
                              [numpy_helper.from_array(w, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    tenon.compress(model, tmp_path / "small.onnx", quantize="int8-dynamic")
    np.testing.assert_allclose(run(tmp_path / "small.onnx", X[0]), X[0] @ w, rtol=1e-4, atol=1e-5)


def test_control_flow_takes_a_precision_without_data():
    """A precision that needs no data leaves models alone that cannot be calibrated."""
    branch = [helper.make_graph([helper.make_node(op, ["x"], [op])], op, [],
                                [helper.make_tensor_value_info(op, TensorProto.FLOAT, None)]) for op in ("Relu", "Neg")]
    node = helper.make_node("If", ["c"], ["y"], "if", then_branch=branch[0], else_branch=branch[1])
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, []),
                                            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    tenon.compile(model, target="vgpu", precision="fp16")
    with pytest.raises(tenon.Error, match="TN3102"):
        tenon.compile(model, quantize="int8-weights")


def test_errors_have_codes(tmp_path):
    with pytest.raises(tenon.Error, match="TN3101") as info:
        tenon.compress(network(), tmp_path / "x.onnx", quantize="int8")
    assert "calibration" in info.value.remedy
    with pytest.raises(tenon.Error, match="TN9003"):
        tenon.compress(network(), tmp_path / "x.onnx", quantize="int9")
    with pytest.raises(tenon.Error, match="nothing to compress"):
        tenon.compress(network(), tmp_path / "x.onnx")
    with pytest.raises(tenon.Error, match="TN9053"):
        tenon.compress(network(), tmp_path / "x.onnx", quantize="int8", calibration=[{"z": X[0]}])
    assert not (tmp_path / "x.onnx").exists()
