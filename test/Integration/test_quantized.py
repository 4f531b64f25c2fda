"""Quantized models: the numbers of ONNX Runtime, before and after they become graph ops and ONNX again."""
import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import tool
from test_export import there_and_back

RNG_SEED = 5


def save(path, nodes, inputs, outputs, constants, opset=21):
    graph = helper.make_graph(
        [helper.make_node(op, reads, writes, name=f"n{i}", **attributes)
         for i, (op, reads, writes, attributes) in enumerate(nodes)], "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)


def convolutions(path):
    """QDQ as quantizers write it: per-channel weights, biases of i32, a pool, a residual sum, a product at the end."""
    rng = np.random.default_rng(RNG_SEED)
    codes = lambda *shape: rng.integers(-127, 128, shape).astype(np.int8)
    scales = lambda n: rng.uniform(0.002, 0.01, n).astype(np.float32)
    constants = {"s0": np.float32(0.02), "z0": np.uint8(120), "s1": np.float32(0.05), "z1": np.uint8(0),
                 "s2": np.float32(0.08), "z2": np.uint8(31), "s3": np.float32(0.06), "z3": np.uint8(9),
                 "w1": codes(8, 3, 3, 3), "ws1": scales(8), "b1": rng.integers(-900, 900, 8).astype(np.int32),
                 "w2": codes(8, 8, 3, 3), "ws2": scales(8), "b2": rng.standard_normal(8).astype(np.float32),
                 "w3": codes(5, 8), "ws3": scales(5), "wz": np.zeros(8, np.int8)}
    constants["bs1"] = constants["ws1"] * constants["s0"]
    quantize = lambda x, y, i: [("QuantizeLinear", [x, f"s{i}", f"z{i}"], [f"{y}q"], {}),
                                ("DequantizeLinear", [f"{y}q", f"s{i}", f"z{i}"], [y], {})]
    nodes = [*quantize("x", "a", 0),
             ("DequantizeLinear", ["w1", "ws1", "wz"], ["dw1"], {"axis": 0}),
             ("DequantizeLinear", ["b1", "bs1"], ["db1"], {"axis": 0}),
             ("Conv", ["a", "dw1", "db1"], ["c1"], {"pads": [1, 1, 1, 1]}), ("Relu", ["c1"], ["r1"], {}),
             *quantize("r1", "d1", 1), ("MaxPool", ["d1"], ["p"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
             *quantize("p", "e", 1),
             ("DequantizeLinear", ["w2", "ws2"], ["dw2"], {"axis": 0}),
             ("Conv", ["e", "dw2", "b2"], ["c2"], {"pads": [1, 1, 1, 1]}), *quantize("c2", "f", 2),
             ("Add", ["f", "e"], ["g"], {}), *quantize("g", "h", 3),
             ("GlobalAveragePool", ["h"], ["i"], {}), ("Flatten", ["i"], ["j"], {}), *quantize("j", "k", 3),
             ("DequantizeLinear", ["w3", "ws3"], ["dw3"], {"axis": 0}), ("Gemm", ["k", "dw3"], ["y"], {"transB": 1})]
    save(path, nodes, [("x", TensorProto.FLOAT, [2, 3, 12, 12])], [("y", TensorProto.FLOAT, [2, 5])], constants)
    return {"x": rng.uniform(-2, 2, (2, 3, 12, 12)).astype(np.float32)}


def blocks_of_four_bits(path):
    rng = np.random.default_rng(RNG_SEED)
    codes = lambda *shape: rng.integers(-8, 8, shape).astype(ml_dtypes.int4)
    constants = {"w": codes(64, 24), "z": codes(2, 24), "s": rng.uniform(0.01, 0.1, (2, 24)).astype(np.float32)}
    save(path, [("DequantizeLinear", ["w", "s", "z"], ["d"], {"axis": 0, "block_size": 32}),
                ("MatMul", ["x", "d"], ["y"], {})],
         [("x", TensorProto.FLOAT, [3, 64])], [("y", TensorProto.FLOAT, [3, 24])], constants)
    return {"x": rng.standard_normal((3, 64)).astype(np.float32)}


def dynamic(path):
    rng = np.random.default_rng(RNG_SEED)
    constants = {"w": rng.integers(-127, 128, (40, 24)).astype(np.int8),
                 "ws": rng.uniform(0.01, 0.1, 24).astype(np.float32)}
    save(path, [("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], {}), ("MatMulInteger", ["q", "w", "z"], ["i"], {}),
                ("Cast", ["i"], ["f"], {"to": TensorProto.FLOAT}), ("Mul", ["s", "ws"], ["t"], {}),
                ("Mul", ["f", "t"], ["y"], {})],
         [("x", TensorProto.FLOAT, [3, 40])], [("y", TensorProto.FLOAT, [3, 24])], constants)
    return {"x": rng.standard_normal((3, 40)).astype(np.float32)}


def products_of_integers(path):
    rng = np.random.default_rng(RNG_SEED)
    byte = lambda *shape: rng.integers(0, 256, shape).astype(np.uint8)
    constants = {"xs": np.float32(0.02), "xz": np.uint8(117), "ys": np.float32(0.03), "yz": np.uint8(100),
                 "w": rng.integers(-128, 128, (6, 3, 3, 3)).astype(np.int8), "wz": np.zeros(6, np.int8),
                 "ws": rng.uniform(0.002, 0.01, 6).astype(np.float32),
                 "b": rng.integers(-500, 500, 6).astype(np.int32), "m": byte(6 * 36, 10), "mz": np.uint8(131),
                 "ms": np.float32(0.01), "shape": np.int64([2, -1])}
    save(path, [("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["c"], {"pads": [1, 1, 1, 1]}),
                ("Reshape", ["c", "shape"], ["r"], {}),
                ("QLinearMatMul", ["r", "ys", "yz", "m", "ms", "mz", "ys", "yz"], ["y"], {})],
         [("x", TensorProto.UINT8, [2, 3, 6, 6])],
         [("c", TensorProto.UINT8, [2, 6, 6, 6]), ("y", TensorProto.UINT8, [2, 10])], constants)
    return {"x": byte(2, 3, 6, 6)}


def floats_of_8_bits(path):
    rng = np.random.default_rng(RNG_SEED)
    constants = {"w": rng.standard_normal((16, 8)).astype(ml_dtypes.float8_e4m3fn), "s": np.float32(0.25),
                 "z": np.zeros((), ml_dtypes.float8_e5m2)}
    save(path, [("QuantizeLinear", ["x", "s", "z"], ["q"], {"saturate": 1}),
                ("DequantizeLinear", ["q", "s"], ["d"], {}),
                ("DequantizeLinear", ["w", "s"], ["dw"], {}), ("MatMul", ["d", "dw"], ["y"], {})],
         [("x", TensorProto.FLOAT, [4, 16])], [("y", TensorProto.FLOAT, [4, 8])], constants)
    return {"x": rng.standard_normal((4, 16)).astype(np.float32)}


MODELS = [convolutions, blocks_of_four_bits, dynamic, products_of_integers, floats_of_8_bits]


def plain_runtime(path):
    """ONNX Runtime as ONNX defines the operators: its fusions of quantized ones round elsewhere."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def assert_close(got, wanted):
    assert got.dtype == wanted.dtype
    if got.dtype.kind in "iu":
        assert np.array_equal(got, wanted)
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_results_are_those_of_onnx_runtime(make, tenon, tmp_path):
    path = tmp_path / "m.onnx"
    feeds = make(path)
    session = plain_runtime(path)
    wanted, names = session.run(None, feeds), [o.name for o in session.get_outputs()]
    tool.succeed(tenon, "compile", path, "-o", tmp_path / "m.tenon")
    for got, want in zip(tool.run_plan(tenon, tmp_path / "m.tenon", feeds, names, tmp_path / "run"), wanted):
        assert_close(got, want)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_round_trip_keeps_the_numbers_and_their_size(make, tmp_path):
    path = tmp_path / "m.onnx"
    feeds = make(path)
    back = there_and_back(path, tmp_path)
    for got, want in zip(plain_runtime(back).run(None, feeds), plain_runtime(path).run(None, feeds)):
        assert_close(got, want)
    operators = lambda model: {node.op_type for node in onnx.load(model).graph.node}
    kept = {"QuantizeLinear", "DequantizeLinear", "MatMulInteger"} & operators(path)
    assert kept <= operators(back)
    bytes_of = lambda model: sum(len(i.raw_data) for i in onnx.load(model).graph.initializer)
    assert bytes_of(back) <= bytes_of(path) + 300  # scalars that attributes held
