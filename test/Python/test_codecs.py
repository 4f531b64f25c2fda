"""Numbers of few bits: every bit pattern is read, and every boundary between two rounded to, as ml_dtypes does."""
import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import tenon

FLOATS = {"float8_e4m3fn": TensorProto.FLOAT8E4M3FN, "float8_e5m2": TensorProto.FLOAT8E5M2,
          "float8_e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ, "float8_e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ}
HALVES = {"bfloat16": TensorProto.BFLOAT16, "float16": TensorProto.FLOAT16}
INTEGERS = {"int4": TensorProto.INT4, "uint4": TensorProto.UINT4}


def dtype_of(name):
    return np.dtype(getattr(ml_dtypes, name)) if name != "float16" else np.dtype(np.float16)


def run(op, x, kind, constants=(), **attributes):
    """One node through a compiled plan: x, then constants."""
    names = [f"c{i}" for i in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], ["y"], **attributes)], "g",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_tensor_value_info("y", kind, x.shape)],
        [numpy_helper.from_array(value, name) for name, value in zip(names, constants)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    (y,) = tenon.Session(tenon.compile(model)).run(None, {"x": x})
    return y


def all_patterns(dtype):
    return np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}").view(dtype)


def boundaries(dtype):
    """Midpoints between neighbours and the f32 beside them, the numbers themselves, and what has no neighbour."""
    with np.errstate(all="ignore"):
        finite = np.unique(all_patterns(dtype).astype(np.float32))
        finite = finite[np.isfinite(finite)]
        middles = ((finite[:-1].astype(np.float64) + finite[1:]) / 2).astype(np.float32)
        # Overflow begins half a step behind the largest number.
        middles = np.append(middles, np.float32([1, -1]) * (finite[-1] + (finite[-1] - finite[-2]) / 2))
        inner = np.concatenate([finite, middles])
        beside = [np.nextafter(inner, np.float32(towards)) for towards in (np.inf, -np.inf)]
    tiny = np.float32([1e-45, 1e-40, 1.17549435e-38, 3.4028235e38, 448.5, 1e9])
    special = np.concatenate([tiny, -tiny, np.float32([0, -0.0, np.inf, -np.inf, np.nan])])
    return np.concatenate([inner, *beside, special]).astype(np.float32)


def assert_same(got, wanted):
    got, wanted = got.astype(np.float32), wanted.astype(np.float32)
    same = (got.view(np.uint32) == wanted.view(np.uint32)) | (np.isnan(got) & np.isnan(wanted))
    assert same.all(), [(got[i], wanted[i]) for i in np.flatnonzero(~same)[:5]]


@pytest.mark.parametrize("name", [*FLOATS, *HALVES])
def test_every_pattern_is_read(name):
    codes = all_patterns(dtype_of(name))
    assert_same(run("Cast", codes, TensorProto.FLOAT, to=TensorProto.FLOAT), codes)
    if name in FLOATS:
        assert_same(run("DequantizeLinear", codes, TensorProto.FLOAT, [np.float32(0.5)]),
                    codes.astype(np.float32) * np.float32(0.5))


@pytest.mark.parametrize("name", FLOATS)
def test_every_boundary_of_8_bits_is_rounded(name):
    dtype, x = dtype_of(name), boundaries(dtype_of(name))
    with np.errstate(all="ignore"):
        beyond = x.astype(dtype)
        largest = np.float32(ml_dtypes.finfo(dtype).max)
        within = np.where(np.isnan(x), x, np.clip(x, -largest, largest)).astype(dtype)
    assert_same(run("Cast", x, FLOATS[name], to=FLOATS[name], saturate=0), beyond)
    assert_same(run("Cast", x, FLOATS[name], to=FLOATS[name], saturate=1), within)
    zero = np.zeros((), dtype)
    assert_same(run("QuantizeLinear", x, FLOATS[name], [np.float32(1), zero], saturate=0)[x != 0], beyond[x != 0])
    assert_same(run("QuantizeLinear", x, FLOATS[name], [np.float32(1), zero], saturate=1)[x != 0], within[x != 0])


@pytest.mark.parametrize("name", HALVES)
def test_every_boundary_of_16_bits_is_rounded(name):
    x = boundaries(dtype_of(name))
    with np.errstate(all="ignore"):
        assert_same(run("Cast", x, HALVES[name], to=HALVES[name]), x.astype(dtype_of(name)))


@pytest.mark.parametrize("name", INTEGERS)
def test_four_bits(name):
    dtype = dtype_of(name)
    low, high = int(ml_dtypes.iinfo(dtype).min), int(ml_dtypes.iinfo(dtype).max)
    numbers = np.arange(low, high + 1)
    codes = numbers.astype(dtype)
    assert np.array_equal(run("Cast", codes, TensorProto.INT32, to=TensorProto.INT32), numbers)
    assert_same(run("DequantizeLinear", codes, TensorProto.FLOAT, [np.float32(0.1)]),
                numbers.astype(np.float32) * np.float32(0.1))
    x = np.arange(low - 3, high + 4, 0.25, np.float32)
    x = np.concatenate([x, np.nextafter(x, np.float32(100)), np.nextafter(x, np.float32(-100)),
                        np.float32([1e30, -1e30, np.inf, -np.inf])])
    got = run("QuantizeLinear", x, INTEGERS[name], [np.float32(1), np.zeros((), dtype)])
    assert np.array_equal(got.astype(np.int32), np.clip(np.rint(x), low, high).astype(np.int32))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_eight_bits(dtype):
    info = np.iinfo(dtype)
    codes = np.arange(info.min, info.max + 1).astype(dtype)
    assert_same(run("DequantizeLinear", codes, TensorProto.FLOAT, [np.float32(0.1), dtype(7)]),
                (codes.astype(np.float32) - 7) * np.float32(0.1))
    x = np.arange(-140, 270, 0.25, np.float32)
    x = np.concatenate([x, np.nextafter(x, np.float32(300)), np.nextafter(x, np.float32(-300)),
                        np.float32([np.inf, -np.inf])])
    got = run("QuantizeLinear", x, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), [np.float32(0.5), dtype(3)])
    wanted = np.clip(np.rint(x / np.float32(0.5)) + 3, info.min, info.max)
    assert np.array_equal(got.astype(np.int32), wanted.astype(np.int32))
