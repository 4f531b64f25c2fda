"""The README's examples, as they stand there, on a small model of the same name."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from conftest import BUILD, ROOT, built


def example(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    return block


@pytest.fixture
def folder(tenon, models, tmp_path):
    shutil.copy(models("mlp_tiny"), tmp_path / "mlp.onnx")
    np.save(tmp_path / "x.npy", np.ones((8, 784), np.float32))
    return tmp_path


def run(command, folder):
    tools = os.pathsep.join([str(BUILD / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": tools, "PYTHONPATH": str(BUILD / "python"), "LD_LIBRARY_PATH": str(BUILD / "lib")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_shell(folder):
    run(["bash", "-e", "-c", example("sh")], folder)
    assert np.load(folder / "out" / "logits.npy").shape == (8, 10)


def test_python(folder):
    built("python")
    assert run([sys.executable, "-c", example("python")], folder).strip() == "(8, 10)"


def test_cpp(folder, tenon, runtime_library):
    (folder / "example.cpp").write_text(example("cpp"))
    run([tenon, "compile", "mlp.onnx", "-o", "mlp.tenon"], folder)
    run(["clang++-22", "-std=c++20", "-Wall", "-Werror", f"-I{ROOT / 'include'}", "example.cpp",
         f"-L{runtime_library.parent}", "-ltenon_runtime", "-o", "example"], folder)
    assert run(["./example"], folder).strip() == "logits: 8 x 10"
