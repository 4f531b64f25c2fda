"""Functions of f64, for which kernels have polynomials of their own."""
import math

import numpy as np
import onnx
import pytest

import models
import tenon

DOUBLE = onnx.TensorProto.DOUBLE
EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 2.2e-308, 1.0, 709.78, 709.79, -708.5, -744.4, -745.2, -1e300]


def run(op, x):
    model = models.model([onnx.helper.make_node(op, ["x"], ["y"])], [models.value("x", DOUBLE, x.size)],
                         [models.value("y", DOUBLE, x.size)])
    return tenon.Session(tenon.compile(model)).run(None, {"x": x})[0]


@pytest.mark.parametrize("op, reference, x", [
    ("Exp", np.exp, np.concatenate([EDGES, np.linspace(-745, 709, 5000), np.linspace(-1, 1, 1001)])),
    ("Log", np.log, np.concatenate([EDGES, np.logspace(-307, 308, 5000), np.linspace(0.5, 2, 1001)])),
])
def test_agrees_with_numpy(op, reference, x):
    with np.errstate(all="ignore"):
        expected = reference(x)
    np.testing.assert_allclose(run(op, x), expected, rtol=6e-16, atol=5e-324)


WIDE = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-300, 1e-9]


@pytest.mark.parametrize("op, reference, x", [
    ("Sin", np.sin, np.concatenate([WIDE, np.linspace(-30, 30, 5001), np.linspace(-1e8, 1e8, 999)])),
    ("Cos", np.cos, np.concatenate([WIDE, np.linspace(-30, 30, 5001), np.linspace(-1e8, 1e8, 999)])),
    ("Tanh", np.tanh, np.concatenate([WIDE, np.linspace(-25, 25, 5001), np.linspace(-0.5, 0.5, 999)])),
    ("Atan", np.arctan, np.concatenate([WIDE, np.linspace(-5, 5, 5001), np.logspace(0, 300, 99)])),
    ("Asin", np.arcsin, np.concatenate([WIDE, np.linspace(-1, 1, 5001)])),
    ("Acos", np.arccos, np.concatenate([WIDE, np.linspace(-1, 1, 5001)])),
    ("Sinh", np.sinh, np.concatenate([WIDE, np.linspace(-30, 30, 5001), np.linspace(-0.5, 0.5, 999)])),
    ("Asinh", np.arcsinh, np.concatenate([WIDE, np.linspace(-30, 30, 5001), np.linspace(-0.5, 0.5, 999)])),
    ("Erf", np.vectorize(math.erf), np.concatenate([WIDE, np.linspace(-7, 7, 5001)])),
])
def test_within_four_units_of_numpy(op, reference, x):
    with np.errstate(all="ignore"):
        expected = reference(x)
    actual = run(op, x)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    error = np.abs(actual[finite] - expected[finite]) / np.spacing(np.abs(expected[finite]))
    assert error.max() <= 4, (x[finite][error.argmax()], error.max())
