"""Operators of com.microsoft beside ONNX Runtime's own."""
import numpy as np
import pytest

import tool

RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.standard_normal(shape, np.float32)


def quantised_lstm():
    """Weights of 8 bits with a scale per column, both directions; x and h stay f32 here and are rounded there."""
    columns = [np.full((2, 64), s, np.float32) * RNG.uniform(0.5, 1, (2, 64)).astype(np.float32) for s in (0.01, 0.02)]
    zeros = [np.zeros((2, 64), np.int8)] * 2  # ONNX Runtime refuses others
    return {"x": draw(7, 3, 12)}, {
        "w": RNG.integers(-127, 127, (2, 12, 64)).astype(np.int8), "r": RNG.integers(-99, 99, (2, 16, 64)).astype(np.int8),
        "b": draw(2, 128), "ws": columns[0], "wz": zeros[0], "rs": columns[1], "rz": zeros[1]}


LSTM_FEEDS, LSTM_WEIGHTS = quantised_lstm()
CASES = {  # operator, attributes, operands in order ("" for none), inputs, weights, results, tolerance
    "fast_gelu": ("FastGelu", {}, "x", {"x": draw(3, 8) * 3}, {}, 1, 1e-5),
    "fast_gelu_bias": ("FastGelu", {}, "x b", {"x": draw(3, 8) * 3}, {"b": draw(8)}, 1, 1e-5),
    "gelu": ("Gelu", {}, "x", {"x": draw(3, 8) * 3}, {}, 1, 1e-5),
    "bias_gelu": ("BiasGelu", {}, "x b", {"x": draw(3, 8)}, {"b": draw(8)}, 1, 1e-5),
    "quick_gelu": ("QuickGelu", {"alpha": 1.5}, "x", {"x": draw(3, 8) * 3}, {}, 1, 1e-5),
    "skip_norm": ("SkipLayerNormalization", {"epsilon": 1e-6}, "x s g b c", {"x": draw(2, 5, 8), "s": draw(2, 5, 8)},
                  {"g": draw(8), "b": draw(8), "c": draw(8)}, 4, 1e-5),
    "skip_norm_without_bias": ("SkipLayerNormalization", {"epsilon": 1e-12}, "x s g",
                               {"x": draw(2, 5, 8), "s": draw(2, 5, 8)}, {"g": draw(8)}, 1, 1e-5),
    "skip_rms": ("SkipSimplifiedLayerNormalization", {"epsilon": 1e-5}, "x s g c",
                 {"x": draw(2, 5, 8), "s": draw(2, 5, 8)}, {"g": draw(8), "c": draw(8)}, 4, 1e-5),
    "fused_product": ("FusedMatMul", {"transA": 1, "transB": 1, "alpha": 0.25}, "x w",
                      {"x": draw(2, 3, 5, 4), "w": draw(2, 3, 6, 5)}, {}, 1, 1e-5),
    "fused_product_of_a_matrix": ("FusedMatMul", {"transB": 1}, "x w", {"x": draw(2, 3, 5)}, {"w": draw(6, 5)}, 1, 1e-5),
    "quantised_lstm": ("DynamicQuantizeLSTM", {"hidden_size": 16, "direction": "bidirectional"},
                       "x w r b - - - - ws wz rs rz", LSTM_FEEDS, LSTM_WEIGHTS, 3, 5e-2),
}


def save(path, kind, attributes, operands, feeds, weights, results):
    from onnx import TensorProto, helper, numpy_helper, save as save_model
    names = [f"y{i}" if i in (0, 3) or kind.endswith("LSTM") else "" for i in range(results)]
    node = helper.make_node(kind, ["" if o == "-" else o for o in operands.split()], names, name="n",
                            domain="com.microsoft", **attributes)
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, [f"{n}{i}" if i == 0 else d
                                                                           for i, d in enumerate(v.shape)])
                      for n, v in feeds.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names if n],
        [numpy_helper.from_array(v, n) for n, v in weights.items()])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    save_model(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return [n for n in names if n]


@pytest.mark.parametrize("name", CASES)
def test_contributed_operators(name, tenon, tmp_path):
    kind, attributes, operands, feeds, weights, results, tolerance = CASES[name]
    names = save(tmp_path / "m.onnx", kind, attributes, operands, feeds, weights, results)
    tool.succeed(tenon, "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.tenon")
    wanted = tool.onnxruntime(tmp_path / "m.onnx").run(names, feeds)
    for got, want in zip(tool.run_plan(tenon, tmp_path / "m.tenon", feeds, names, tmp_path / "run"), wanted):
        assert tool.relmax(got, want) <= tolerance
