"""Activations and logarithms of sums over the whole range of their type, against NumPy in more precision."""
import numpy as np
import onnx
import pytest

import models
import tenon


def run(x, rank, op, **attributes):
    dtype = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    model = models.model([onnx.helper.make_node(op, ["x"], ["y"], **attributes)], [models.value("x", dtype, *x.shape)],
                         [models.value("y", dtype, *x.shape[:rank])])
    model.opset_import[0].version = 17 if "axes" in attributes else 18
    return tenon.Session(tenon.compile(model)).run(None, {"x": x})[0]


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def exponential(x, alpha, scale=1):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / scale))


ALPHA, GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
FUNCTIONS = {
    "Softplus": softplus,
    "Mish": lambda x: x * np.tanh(softplus(x)),
    "Elu": lambda x: exponential(x, 1),
    "Celu": lambda x: exponential(x, 0.5, 0.5),
    "Selu": lambda x: GAMMA * exponential(x, ALPHA),
    "Sigmoid": lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))),
    "Tanh": np.tanh,
}


@pytest.mark.parametrize("op", FUNCTIONS)
@pytest.mark.parametrize("dtype, relative, tiny, largest", [(np.float32, 1e-6, 1e-36, 1e37), (np.float64, 1e-14, 1e-290, 1e300)])
def test_as_exact_near_zero_as_elsewhere(op, dtype, relative, tiny, largest):
    if op == "Celu" and dtype == np.float64:
        pytest.skip("Celu is of f32")
    sizes = np.concatenate([np.geomspace(1e-30, 1e-3, 2000), np.geomspace(1e-3, 120, 20000), np.geomspace(120, largest, 500)])
    x = np.concatenate([-sizes, [0, np.inf, np.nan], sizes]).astype(dtype)
    y = run(x, 1, op, **({"alpha": 0.5} if op == "Celu" else {}))
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[op](x.astype(np.longdouble))
    np.testing.assert_allclose(y, expected, rtol=relative, atol=tiny)


def test_mish_of_minus_18_is_negative():
    np.testing.assert_allclose(run(np.float32([-18]), 1, "Mish"), [-2.7414e-7], rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_log_sum_exp_of_infinities_is_infinite(dtype):
    x = np.array([[np.inf, 0], [-np.inf, -np.inf], [-np.inf, 2], [np.nan, 1], [np.inf, -np.inf]], dtype)
    y = run(x, 1, "ReduceLogSumExp", axes=[1], keepdims=0)
    np.testing.assert_allclose(y, np.array([np.inf, -np.inf, 2, np.nan, np.inf], dtype))


def test_log_sum_exp_of_large_numbers_is_finite():
    x = np.float32([[1000, 1000], [-1000, -1000], [3e38, 0], [-3e38, -3e38]])
    y = run(x, 1, "ReduceLogSumExp", axes=[1], keepdims=0)
    np.testing.assert_allclose(y, np.logaddexp(*x.astype(np.float64).T), rtol=1e-6)
