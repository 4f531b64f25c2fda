"""The Python package of this build, and small models."""
import os
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TENON_BUILD", ROOT / "build"))
sys.path[:0] = [str(BUILD / "python"), str(ROOT / "test" / "Python"), str(ROOT / "test" / "Models")]


@pytest.fixture(scope="session")
def mlp():
    """A perceptron as an onnx.ModelProto: input [N, 784], logits [N, 10]."""
    import make_models
    return make_models.build("mlp", tiny=True)


@pytest.fixture(scope="session")
def plan(mlp):
    import tenon
    return tenon.compile(mlp)


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((5, 784), np.float32)
