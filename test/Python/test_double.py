"""Functions of f64, for which kernels have polynomials of their own."""
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
