"""Hostile models end in a documented exit code, a message with node, reason and remedy, and no file; within 10 s."""
import os

import numpy as np
import pytest

import hostile
import tool

SECONDS = 10
MEMORY = 4 << 30  # address space; the compiler's libraries alone map 0.5 GB


def snapshot(folder):
    return sorted(os.path.join(path, f) for path, _, files in os.walk(folder) for f in files)


@pytest.mark.parametrize("name", hostile.CASES)
@pytest.mark.parametrize("command", ["compile", "inspect"])
def test_refused(name, command, tenon, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    model, names = hostile.CASES[name](folder)
    before = snapshot(tmp_path)
    output = ["-o", tmp_path / "model.tenon"] if command == "compile" else []
    done = tool.run(tenon, command, model, *output, timeout=60, memory=MEMORY)
    if command == "inspect" and done.returncode == 0:
        return  # what does not keep it from being listed may wait for `compile`
    tool.assert_refused(done, names)
    assert snapshot(tmp_path) == before, "something was written"
    assert done.seconds < SECONDS, tool.describe(done)


def test_a_small_file_takes_little_memory(tenon, tmp_path):
    """A constant of 1.6 GB out of a hundred bytes: valid, so it may compile, but it must not be folded."""
    shape = hostile.tensor("shape", [2], np.array([40000, 10000], np.int64).tobytes(), hostile.TensorProto.INT64)
    proto = hostile.model([hostile.node("ConstantOfShape", ["shape"], ["c"]), hostile.node("Gather", ["c", "i"], ["y"], "pick")],
                          [shape], inputs=[hostile.value("i", ["N"], hostile.TensorProto.INT64)],
                          outputs=[hostile.value("y", ["N", 10000])])
    model = hostile.write(tmp_path, proto)
    done = tool.run(tenon, "compile", model, "-o", tmp_path / "m.tenon", timeout=60, memory=2 << 30)
    assert done.returncode in (0, 1, 3, 4), tool.describe(done)
    assert done.seconds < SECONDS
    if done.returncode == 0:
        assert (tmp_path / "m.tenon").stat().st_size < 10 << 20
    else:
        tool.assert_refused(done)


@pytest.mark.parametrize("arguments", [
    ["compile"], ["compile", "no-such-file.onnx", "-o", "x.tenon"], ["frobnicate"], ["run", "no-such-file.tenon"],
    ["compile", "m.onnx", "-o", "x.tenon", "--no-such-option"]])
def test_wrong_usage(arguments, tenon, tmp_path):
    done = tool.run(tenon, *arguments, cwd=tmp_path, timeout=30)
    assert done.returncode in (1, 2), tool.describe(done)
    assert done.stderr.strip(), "nothing was said"
    assert not list(tmp_path.iterdir())
