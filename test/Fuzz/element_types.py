"""Element types of random graphs: which there are, and how values of them are drawn."""
import ml_dtypes
import numpy as np
import onnx

F32, F64, F16 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.float16)
BF16 = np.dtype(ml_dtypes.bfloat16)
I8, I16, I32, I64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
U8, U16, U32, U64 = (np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64))
BOOL = np.dtype(bool)
I4, U4, I2, U2 = (np.dtype(getattr(ml_dtypes, name)) for name in ("int4", "uint4", "int2", "uint2"))
F8 = tuple(np.dtype(getattr(ml_dtypes, name)) for name in
           ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"))

# Repeats make a type more likely: f32 is what models compute with.
FLOATS = (F32, F32, F32, F32, F64, F16, BF16)
WIDE_FLOATS = (F32, F32, F32, F64, F16)
SIGNED = (I8, I16, I32, I32, I64)
UNSIGNED = (U8, U16, U32, U64)
INTEGERS = SIGNED + UNSIGNED
NUMBERS = FLOATS + INTEGERS
ALL = NUMBERS + (BOOL,)
INDEX = (I64, I64, I32)

# How much the twins of a value are disturbed by an operator that rounds, relative: well above the rounding of one operator
# and the error of the polynomials that stand for exp, log, tanh and others.
_NOISE = {F64: 1e-12, F32: 1e-6, F16: 2.0 ** -10, BF16: 2.0 ** -7}
# Beyond this a result is no longer of use: the graph is then badly conditioned and the operator is dropped.
_LARGEST = {F64: 1e5, F32: 1e5, F16: 500.0, BF16: 1e4}


def code(dtype):
    """The number of the type in onnx.TensorProto."""
    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def is_float(dtype):
    return np.dtype(dtype) in _NOISE or np.dtype(dtype) in F8


def noise(dtype):
    """The relative disturbance of values of `dtype`; 0 where they are exact."""
    return _NOISE.get(np.dtype(dtype), 0.0)


def largest(dtype):
    return _LARGEST.get(np.dtype(dtype), np.inf)


def limits(dtype):
    """The least and the greatest integer of the type."""
    info = ml_dtypes.iinfo(dtype) if np.dtype(dtype) in (I4, U4, I2, U2) else np.iinfo(dtype)
    return int(info.min), int(info.max)


def draw(rng, dtype, shape, low=None, high=None):
    """Values of `dtype`. Floats are small multiples of 1/8 or anything, within [low, high] where they are given."""
    dtype = np.dtype(dtype)
    if dtype == BOOL:
        return rng.random(shape) < 0.5
    if is_float(dtype):
        low, high = (-4.0 if low is None else low), (4.0 if high is None else high)
        if rng.random() < 0.5:
            steps = rng.integers(np.ceil(low * 8), np.floor(high * 8) + 1, shape)
            return np.asarray(steps / 8.0).astype(dtype)
        values = np.asarray(rng.uniform(low, high, shape)).astype(dtype)
        return np.clip(values, dtype.type(low), dtype.type(high)).astype(dtype)
    least, most = limits(dtype)
    if low is None and high is None and rng.random() < 0.25:
        return np.asarray(rng.integers(least, most, shape, endpoint=True, dtype=np.int64 if least < 0 else np.uint64)
                          ).astype(dtype)
    low, high = max(least, -9 if low is None else int(low)), min(most, 9 if high is None else int(high))
    return np.asarray(rng.integers(low, high, shape, endpoint=True)).astype(dtype)


def disturb(rng, array, amount=1.0, floor=0.0, zeros=False):
    """`array` with every float a little off, as rounding would leave it; integers and bools as they are. With `zeros` a 0 is
    one that another way to compute it could have missed, by a little. `floor`: the disturbance is at least that of a number
    of this size, times 0.3."""
    size = noise(array.dtype)
    if not size or not array.size:
        return array
    wide = array.astype(np.float64)
    if zeros:
        missed = 0.01 * size * (np.max(np.abs(wide)) + 1e-3)
        wide = np.where(wide == 0, rng.choice((-missed, missed), wide.shape), wide)
    reach = amount * size * np.maximum(np.abs(wide), 0.3 * floor)
    return (wide + reach * rng.uniform(-1, 1, array.shape)).astype(array.dtype)
