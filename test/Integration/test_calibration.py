"""Calibration in little memory: at most 1.2 times the model and one batch, whatever method chooses the ranges.

By hand, on a model of one's own: calibration-bench MODEL.onnx DATA.npz [BATCH]
"""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import built
from tool import succeed

WIDTH, LAYERS = 2048, 25


@pytest.fixture(scope="module")
def large_model(tmp_path_factory):
    """Products of 16 MiB of weights each; 420 MB, as a sentence encoder has."""
    path = tmp_path_factory.mktemp("large") / "model.onnx"
    weights = np.random.default_rng(0).standard_normal((WIDTH, WIDTH), np.float32) / np.float32(WIDTH ** 0.5)
    nodes, constants, value = [], [], "x"
    for i in range(LAYERS):
        constants.append(numpy_helper.from_array(weights * np.float32(1 + i / 100), f"w{i}"))
        nodes += [helper.make_node("MatMul", [value, f"w{i}"], [f"m{i}"]),
                  helper.make_node("Tanh", [f"m{i}"], [f"y{i}"])]
        value = f"y{i}"
    graph = helper.make_graph(nodes, "large", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", WIDTH])],
                              [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", WIDTH])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    yield path
    path.unlink()


def test_calibration_holds_the_model_once(large_model, tmp_path):
    bench = built("bin/calibration-bench")
    batch = 16
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(1).standard_normal((4 * batch, WIDTH), np.float32))
    found = json.loads(succeed(bench, large_model, tmp_path / "data.npz", batch, timeout=300).stdout)
    assert found["import_peak"] <= 0.5 * found["model_bytes"], "the weights stay in the file"
    assert found["watched"] == LAYERS and found["samples"] == 4 * batch
    batch_bytes = batch * WIDTH * 4 * (LAYERS + 1) # the input, and what is watched
    assert found["peak_bytes"] <= 1.2 * (found["model_bytes"] + batch_bytes), found
