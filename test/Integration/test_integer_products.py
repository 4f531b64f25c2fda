"""Products of 8-bit integers are exact: also those whose sums f32 does not hold."""
import numpy as np
import pytest

import tool

CASES = {  # types, extents M, K, N, whether b is a constant of the largest magnitude
    "u8_s8": (np.uint8, np.int8, 5, 700, 33, False),
    "u8_u8": (np.uint8, np.uint8, 3, 259, 17, False),
    "s8_s8": (np.int8, np.int8, 16, 2000, 40, False),
    "largest": (np.uint8, np.int8, 4, 1500, 20, True),
}


@pytest.mark.parametrize("is_constant", [False, True], ids=["run", "constant"])
@pytest.mark.parametrize("name", CASES)
def test_products_are_exact(name, is_constant, tenon, tmp_path):
    from onnx import TensorProto, helper, numpy_helper, save
    a_type, b_type, m, k, n, is_largest = CASES[name]
    rng = np.random.default_rng(0)
    draw = lambda kind, shape: rng.integers(np.iinfo(kind).min, np.iinfo(kind).max + 1, shape).astype(kind)
    a, b, zero = draw(a_type, (m, k)), draw(b_type, (k, n)), draw(a_type, ())
    if is_largest:
        a, b, zero = np.full_like(a, 255), np.full_like(b, -128), np.zeros_like(zero)
    inputs = {"a": a, "z": zero} | ({} if is_constant else {"b": b})
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b", "z"], ["y"], name="product")], "g",
        [helper.make_tensor_value_info(i, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for i, v in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.INT32, (m, n))],
        [numpy_helper.from_array(b, "b")] if is_constant else [])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    tool.succeed(tenon, "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.tenon")
    got, = tool.run_plan(tenon, tmp_path / "m.tenon", inputs, ["y"], tmp_path / "run")
    assert np.array_equal(got, (a.astype(np.int64) - int(zero)) @ b.astype(np.int64))
