"""`tenon run --schedule=dynamic`: a batch over processes, with the bits of one."""
import json
import os
import pathlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tool

BIN = pathlib.Path(os.environ.get("TENON_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")) / "bin"
TENON = BIN / "tenon"
SAMPLES = 37


def classifier():
    """Two layers and a softmax, with depths and widths that fill no tile."""
    rng = np.random.default_rng(7)

    def weight(name, *dims):
        return helper.make_tensor(name, TensorProto.FLOAT, dims, rng.standard_normal(dims, dtype=np.float32).ravel())

    nodes = [helper.make_node("MatMul", ["x", "w1"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("MatMul", ["r", "w2"], ["l"]), helper.make_node("Softmax", ["l"], ["y"], axis=-1)]
    return model(nodes, [weight("w1", 29, 45), weight("w2", 45, 10)], ["N", 29], ["N", 10])


def model(nodes, weights, x, y):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, x)], [value("y", TensorProto.FLOAT, y)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def compiled(model, folder):
    onnx.save(model, folder / "m.onnx")
    tool.succeed(TENON, "compile", folder / "m.onnx", "-o", folder / "m.tenon")
    return folder / "m.tenon"


def run(plan, folder, x, *more):
    np.save(folder / "x.npy", x)
    done = tool.succeed(TENON, "run", plan, "--input", f"x={folder / 'x.npy'}", "--output-dir", folder / "out",
                        "--format=json", *more)
    return np.load(folder / "out" / "y.npy"), json.loads(done.stdout)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_results_have_the_bits_of_one_process(tmp_path, ranks):
    plan = compiled(classifier(), tmp_path)
    x = np.random.default_rng(1).standard_normal((SAMPLES, 29), dtype=np.float32)
    whole, _ = run(plan, tmp_path, x)
    divided, report = run(plan, tmp_path, x, "--schedule=dynamic", f"--ranks={ranks}")
    assert divided.tobytes() == whole.tobytes()
    assert len(report["workers"]) == ranks
    assert sum(worker["samples"] for worker in report["workers"]) == SAMPLES


def test_a_batch_without_samples(tmp_path):
    y, _ = run(compiled(classifier(), tmp_path), tmp_path, np.zeros((0, 29), np.float32), "--schedule=dynamic", "--ranks=2")
    assert y.shape == (0, 10)


def refuse(plan, folder, x, code, *more):
    np.save(folder / "x.npy", x)
    done = tool.run(TENON, "run", plan, "--input", f"x={folder / 'x.npy'}", "--schedule=dynamic", *more)
    tool.assert_refused(done)
    assert code in done.stderr


def test_models_without_a_batch_are_refused(tmp_path):
    fixed = model([helper.make_node("Relu", ["x"], ["y"])], [], [4, 3], [4, 3])
    refuse(compiled(fixed, tmp_path), tmp_path, np.zeros((4, 3), np.float32), "TN7033")


def test_samples_that_depend_on_each_other_are_refused(tmp_path):
    over_the_batch = model([helper.make_node("Softmax", ["x"], ["y"], axis=0)], [], ["N", 3], ["N", 3])
    refuse(compiled(over_the_batch, tmp_path), tmp_path, np.ones((8, 3), np.float32), "TN7034")


def test_a_profile_is_of_one_process(tmp_path):
    refuse(compiled(classifier(), tmp_path), tmp_path, np.zeros((4, 29), np.float32), "TN9003",
           f"--profile={tmp_path / 'p.json'}")
