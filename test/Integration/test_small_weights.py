"""Weights of 4 and 8 bits stay small in the plan, and give the numbers that the same weights in f32 give, bit for bit."""
import json

import ml_dtypes
import numpy as np
import pytest

import tool

RNG = np.random.default_rng(0)


def pack(values):
    """Two numbers of 4 bits in a byte, as ONNX files have them."""
    low, high = values.reshape(-1)[0::2].astype(np.uint8) & 15, values.reshape(-1)[1::2].astype(np.uint8) & 15
    return (low | high << 4).tobytes()


class Stored:
    """Constant "w" of `shape` as numbers of `bits` (`signed`: or which floats) and scales: one, or one for each index of
    `axis`, or blocks along it."""

    def __init__(self, bits, shape, axis=None, block=0, has_zero=False, signed=True):
        low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
        self.bits, self.axis, self.block = bits, axis, block
        self.kind = {(4, True): "INT4", (4, False): "UINT4", (8, True): "INT8", (8, False): "UINT8",
                     (8, "float8_e4m3fn"): "FLOAT8E4M3FN", (8, "float8_e5m2"): "FLOAT8E5M2"}[bits, signed]
        self.values = RNG.integers(low, high, shape)
        if signed == "float8_e4m3fn" or signed == "float8_e5m2":
            self.values = RNG.standard_normal(shape).astype(getattr(ml_dtypes, signed))
        of_scale = [] if axis is None else [shape[axis]]
        if block:
            of_scale = [n // block if i == axis else n for i, n in enumerate(shape)]
        self.scale = RNG.uniform(0.01, 0.1, of_scale).astype(np.float32)
        self.zero = RNG.integers(low, high, of_scale) if has_zero else None

    def dense(self):
        def align(v):
            if v.ndim == 0:
                return v
            if self.block:
                return np.repeat(v, self.block, self.axis)
            return v.reshape([-1 if i == self.axis else 1 for i in range(self.values.ndim)])
        zero = 0 if self.zero is None else align(self.zero)
        return (self.values.astype(np.float32) - np.float32(zero)) * align(self.scale)

    def tensor(self, name, values):
        from onnx import TensorProto, helper
        kind = getattr(TensorProto, self.kind)
        if self.bits == 4:
            return helper.make_tensor(name, kind, values.shape, pack(np.append(values, 0)[:values.size + values.size % 2]), raw=True)
        if values.dtype.itemsize == 1:
            return helper.make_tensor(name, kind, values.shape, values.tobytes(), raw=True)
        return helper.make_tensor(name, kind, values.shape, values.reshape(-1).tolist())

    def nodes(self):
        """What makes "w", and its constants."""
        from onnx import helper, numpy_helper
        constants = [self.tensor("q", self.values), numpy_helper.from_array(self.scale, "s")]
        if self.zero is not None:
            constants.append(self.tensor("z", self.zero))
        attributes = {} if self.axis is None else {"axis": self.axis}
        if self.block:
            attributes["block_size"] = self.block
        return [helper.make_node("DequantizeLinear", [c.name for c in constants], ["w"], **attributes)], constants


PRODUCT, GEMM, GATHER = ("MatMul", {}), ("Gemm", {"transB": 1}), ("Gather", {})
CONV = ("Conv", {"pads": [1, 1, 1, 1]})
CASES = {  # op, weights, shapes of x, whether the plan has a number of 4 bits in half a byte
    "int4_blocks": (PRODUCT, Stored(4, (512, 96), 0, 32), [(1, 512), (5, 512), (40, 512)]),
    "uint4_blocks_zero": (GEMM, Stored(4, (96, 512), 1, 128, True, False), [(1, 512), (9, 512)]),
    "int8_columns": (PRODUCT, Stored(8, (300, 130), 1), [(1, 300), (7, 300), (200, 300)]),
    "uint8_tensor_zero": (PRODUCT, Stored(8, (300, 130), None, 0, True, False), [(3, 300)]),
    "e4m3_columns": (PRODUCT, Stored(8, (300, 130), 1, signed="float8_e4m3fn"), [(1, 300), (7, 300), (50, 300)]),
    "e5m2_convolution": (CONV, Stored(8, (64, 48, 3, 3), 0, signed="float8_e5m2"), [(1, 48, 12, 10)]),
    "int8_convolution": (CONV, Stored(8, (64, 48, 3, 3), 0), [(1, 48, 12, 10)]),
    "int4_convolution": (CONV, Stored(4, (64, 48, 3, 3), 0), [(2, 48, 9, 10)]),
    "int8_depthwise": (("Conv", {"pads": [1, 1, 1, 1], "group": 160}), Stored(8, (160, 1, 3, 3), 0), [(1, 160, 9, 8)]),
    "int8_one_dimension": (("Conv", {"pads": [2, 2]}), Stored(8, (64, 48, 5), 0), [(1, 48, 30)]),
    "int4_table": (GATHER, Stored(4, (1000, 64), 1, 32, True), [(2, 9)]),
    "int8_table_rows": (GATHER, Stored(8, (1000, 64), 0), [(2, 9)]),
}


def save_model(path, op, x, nodes, constants):
    from onnx import helper, save
    kind, attributes = op
    operands = ["w", "x"] if kind == "Gather" else ["x", "w"]
    shape = [f"d{i}" if i == 0 else n for i, n in enumerate(x.shape)]
    graph = helper.make_graph(nodes + [helper.make_node(kind, operands, ["y"], "op", **attributes)], "g",
                              [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), shape)],
                              [helper.make_tensor_value_info("y", 1, None)], constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)


def draw(op, shape):
    return RNG.integers(0, 1000, shape) if op is GATHER else RNG.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("name", CASES)
def test_small_weights(name, tenon, tmp_path):
    import onnxruntime
    from onnx import numpy_helper
    op, weights, shapes = CASES[name]
    dense = weights.dense()
    small, large = tmp_path / "small.onnx", tmp_path / "large.onnx"
    save_model(small, op, draw(op, shapes[0]), *weights.nodes())
    save_model(large, op, draw(op, shapes[0]), [], [numpy_helper.from_array(dense, "w")])
    for model in (small, large):
        tool.succeed(tenon, "compile", model, "-o", model.with_suffix(".tenon"))
    exact = onnxruntime.SessionOptions()  # else it rounds x of a product with weights of 4 or 8 bits
    exact.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    peer = onnxruntime.InferenceSession(small, exact, providers=["CPUExecutionProvider"])
    for i, shape in enumerate(shapes):
        x = draw(op, shape)
        got, = tool.run_plan(tenon, small.with_suffix(".tenon"), {"x": x}, ["y"], tmp_path / f"small{i}")
        same, = tool.run_plan(tenon, large.with_suffix(".tenon"), {"x": x}, ["y"], tmp_path / f"large{i}")
        assert np.array_equal(got.view(np.int32), same.view(np.int32))
        theirs, = peer.run(None, {"x": x})
        assert np.abs(got - theirs).max() <= 1e-5 * max(1, np.abs(theirs).max())
    plan = json.loads(tool.succeed(tenon, "inspect", small.with_suffix(".tenon"), "--format=json").stdout)
    stored = sum(s["bytes"] for s in plan["sections"] if s["name"] == "WEIGHTS")
    columns = 1.35 if weights.values.shape[-1] == 130 else 1.0  # padded to panels of 32
    numbers = weights.values.size * (weights.bits if name != "int8_depthwise" else 8) / 8
    assert stored <= columns * numbers + 8 * weights.scale.size * columns + 4096
