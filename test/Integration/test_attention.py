"""Rows of attention that see no key: 0 by ONNX's operator, NaN where a model spells out the softmax."""
import numpy as np
import pytest

import tool

QUERIES, KEYS, SIZE = 5, 7, 16


def save(path, nodes, opset):
    from onnx import TensorProto, helper
    import onnx
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 2, lines, SIZE])
              for n, lines in (("q", QUERIES), ("k", KEYS), ("v", KEYS))]
    inputs.append(helper.make_tensor_value_info("m", TensorProto.FLOAT, [QUERIES, KEYS]))
    graph = helper.make_graph([helper.make_node(op, i, [o], **a) for op, i, o, a in nodes], "g", inputs,
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, QUERIES, SIZE])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)


SPELLED = [("Transpose", ["k"], "t", {"perm": [0, 1, 3, 2]}), ("MatMul", ["q", "t"], "s", {}),
           ("Add", ["s", "m"], "b", {}), ("Softmax", ["b"], "w", {"axis": -1}), ("MatMul", ["w", "v"], "y", {})]
OPERATOR = [("Attention", ["q", "k", "v", "m"], "y", {"scale": 1.0})]


@pytest.mark.parametrize("target", ["cpu", "vgpu"])
@pytest.mark.parametrize("nodes, opset, unseen", [(SPELLED, 17, np.nan), (OPERATOR, 23, 0.0)],
                         ids=["spelled", "operator"])
def test_a_row_that_sees_no_key(nodes, opset, unseen, target, tenon, tmp_path):
    model, rng = tmp_path / "m.onnx", np.random.default_rng(0)
    save(model, nodes, opset)
    ir = tmp_path / "dispatch.mlir"
    tool.succeed(tenon, "compile", model, f"--target={target}", "--stop-after=dispatch", "-o", ir)
    assert ir.read_text().count("graph.attention") == 1
    tool.succeed(tenon, "compile", model, f"--target={target}", "-o", tmp_path / "m.tenon")
    feeds = {n: rng.standard_normal((1, 2, lines, SIZE), np.float32)
             for n, lines in (("q", QUERIES), ("k", KEYS), ("v", KEYS))}
    feeds["m"] = np.zeros((QUERIES, KEYS), np.float32)
    feeds["m"][0, 3:] = feeds["m"][2] = -np.inf
    got, = tool.run_plan(tenon, tmp_path / "m.tenon", feeds, ["y"], tmp_path / "run")
    scores = feeds["q"].astype(np.float64) @ np.swapaxes(feeds["k"], 2, 3) + feeds["m"]
    with np.errstate(invalid="ignore"):
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        wanted = weights / weights.sum(-1, keepdims=True) @ feeds["v"].astype(np.float64)
    wanted[:, :, 2] = unseen
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5, equal_nan=True)
