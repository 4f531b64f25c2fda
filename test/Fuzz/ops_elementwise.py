"""Elementwise operators: on floats, integers and bools, with broadcasting."""
import numpy as np

import element_types as et
from registry import op

_EXACT = {"Abs", "Neg", "Relu", "Identity"}


@op("Abs", "Neg")
def absolute(m, name):
    m.emit(name, [m.tensor(et.FLOATS + et.SIGNED)], exact=True)


@op("Sign", weight=0.5)
def sign(m, name):
    m.emit(name, [m.tensor(et.NUMBERS)], exact=True, discrete=True)


@op("Identity", weight=0.3)
def identity(m, name):
    m.emit(name, [m.tensor(et.ALL)], exact=True)


@op("Relu")
def relu(m, name):
    m.emit(name, [m.tensor(et.FLOATS + (et.SIGNED if m.opset >= 14 else ()))], exact=True)


@op("Floor", "Ceil", "Round", weight=0.6)
def step(m, name):
    m.emit(name, [m.tensor(et.FLOATS)], exact=True, discrete=True)


@op("Sigmoid", "Tanh", "Erf", "Sin", "Cos", "Atan", "Asinh", "Softplus", "Softsign", weight=0.8)
def smooth(m, name):
    m.emit(name, [m.tensor(et.FLOATS, low=-20, high=20)])


@op("HardSwish", since=14)
@op("Mish", since=18)
@op("Swish", since=24)
def activation(m, name):
    m.emit(name, [m.tensor(et.FLOATS, low=-20, high=20)])


@op("Gelu", since=20)
def gelu(m, name):
    more = {"approximate": "tanh"} if m.chance(0.5) else {}
    m.emit(name, [m.tensor(et.FLOATS, low=-20, high=20)], **more)


@op("Elu", "LeakyRelu", "Celu", "Selu", "ThresholdedRelu", "HardSigmoid", "Shrink", weight=0.6)
def with_alpha(m, name):
    more = {"alpha": float(m.one_of((0.25, 0.5, 1.0, 0.3)))} if name not in ("Shrink",) and m.chance(0.6) else {}
    if name == "Shrink":
        more = {"lambd": 0.5, "bias": float(m.one_of((0.0, 0.25)))} if m.chance(0.7) else {}
    if name in ("Selu", "HardSigmoid") and m.chance(0.3):
        more["gamma" if name == "Selu" else "beta"] = 0.75
    types = (et.F32,) if name == "Celu" else et.WIDE_FLOATS
    m.emit(name, [m.tensor(types, low=-10, high=10)], **more)


@op("Exp", "Sinh", "Cosh", weight=0.6)
def growing(m, name):
    m.emit(name, [m.tensor(et.FLOATS, low=-6, high=6)])


@op("Tan", weight=0.3)
def tangent(m, name):
    m.emit(name, [m.tensor(et.FLOATS, low=-1.25, high=1.25)])


@op("Asin", "Acos", "Atanh", weight=0.3)
def inside_one(m, name):
    m.emit(name, [m.tensor(et.FLOATS, low=-0.875, high=0.875)])


@op("Log", "Sqrt", "Reciprocal", weight=0.8)
def positive(m, name):
    x = m.tensor(et.FLOATS)
    if not x.within(0.125, 1e4):  # as models do it: a domain that is made
        if m.chance(0.4):
            x = m.tensor(et.FLOATS, low=0.125, high=16)
        else:
            x = m.emit("Abs", [x], exact=True)
            x = m.emit("Add", [x, m.constant(np.asarray(0.5), x.dtype)])
    m.emit(name, [x])


@op("Acosh", weight=0.3)
def above_one(m, name):
    m.emit(name, [m.tensor(et.FLOATS, low=1.125, high=16)])


@op("Add", "Sub", "Mul", weight=2.0)
def arithmetic(m, name):
    x = m.tensor(et.NUMBERS)
    operands = [x, m.partner(x)]
    m.emit(name, operands if m.chance(0.5) else operands[::-1])


@op("Div", weight=1.2)
def divide(m, name):
    x = m.tensor(et.NUMBERS)
    if et.is_float(x.dtype):
        y = m.partner(x, low=0.25, high=64)
        m.emit(name, [x, y])
    else:
        if x.dtype in et.SIGNED and not x.within(-2 ** 62 if x.dtype == et.I64 else et.limits(x.dtype)[0] + 1, np.inf):
            x = m.tensor((x.dtype,), shape=x.shape, low=-100, high=100)
        m.emit(name, [x, m.partner(x, low=1, high=9)])


@op("Mod", weight=0.7)
def modulo(m, name):
    if m.chance(0.4):
        x = m.tensor(et.WIDE_FLOATS)
        m.emit(name, [x, m.partner(x, low=0.5, high=8)], fmod=1, discrete=True)
        return
    x = m.tensor(et.INTEGERS)
    y = m.partner(x, low=1, high=9)
    if x.dtype in et.SIGNED and y.kind != "node" and m.chance(0.4):
        y = m.emit("Neg", [y], exact=True)
        if not x.within(et.limits(x.dtype)[0] + 1, np.inf):
            x = m.tensor((x.dtype,), shape=x.shape, low=-100, high=100)
    # ONNX Runtime goes through f64 for the sign of fmod.
    m.emit(name, [x, y], fmod=int(m.chance(0.5) and x.within(-2 ** 50, 2 ** 50)))


@op("Pow", weight=0.8)
def power(m, name):
    if m.chance(0.25):
        x = m.tensor((et.I32, et.I64), low=-5, high=5)
        m.emit(name, [x, m.partner(x, low=0, high=4)])
    elif m.chance(0.4):
        x = m.tensor(et.FLOATS, low=-8, high=8)
        m.emit(name, [x, m.constant(np.asarray(m.one_of((0, 1, 2, 3))), m.one_of((x.dtype, x.dtype, et.I32, et.I64)))])
    else:
        x = m.tensor(et.FLOATS, low=0.25, high=8)
        m.emit(name, [x, m.partner(x, low=-3, high=3)])


@op("Max", "Min", "Sum", "Mean", weight=0.8)
def variadic(m, name):
    exact = name in ("Max", "Min")
    x = m.tensor(et.NUMBERS if exact and m.opset >= 12 else et.FLOATS)
    operands = [x] + [m.partner(x) for _ in range(m.integer(0, 2))]
    m.emit(name, operands, exact=exact)


@op("And", "Or", "Xor", weight=0.5)
def logical(m, name):
    x = m.tensor((et.BOOL,))
    m.emit(name, [x, m.partner(x)])


@op("Not", weight=0.5)
def negate(m, name):
    m.emit(name, [m.tensor((et.BOOL,))])


@op("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", weight=0.7)
def compare(m, name):
    types = et.NUMBERS + ((et.BOOL,) if name == "Equal" else ())
    x = m.tensor(types)
    m.emit(name, [x, m.partner(x)], exact=True)


@op("IsNaN", weight=0.3)
def is_nan(m, name):
    m.emit(name, [m.tensor(et.FLOATS)])


@op("IsInf", weight=0.3)
def is_inf(m, name):
    m.emit(name, [m.tensor((et.F32, et.F64))], **({"detect_negative": 0} if m.chance(0.3) else {}))


@op("BitwiseAnd", "BitwiseOr", "BitwiseXor", since=18, weight=0.5)
def bitwise(m, name):
    x = m.tensor(et.INTEGERS)
    m.emit(name, [x, m.partner(x)])


@op("BitwiseNot", since=18, weight=0.4)
def bit_not(m, name):
    m.emit(name, [m.tensor(et.INTEGERS)])


@op("BitShift", weight=0.6)
def shift(m, name):
    x = m.tensor(et.UNSIGNED)
    m.emit(name, [x, m.partner(x, low=0, high=x.dtype.itemsize * 8 - 1)], direction=m.one_of(("LEFT", "RIGHT")))


@op("Where", weight=1.2)
def where(m, name):
    x = m.tensor(et.ALL)
    y, condition = m.partner(x), m.tensor((et.BOOL,), shape=x.shape)
    if m.chance(0.4):
        condition = m.partner(condition)
    m.emit(name, [condition, x, y], exact=True)


@op("Clip", weight=0.8)
def clip(m, name):
    x = m.tensor(et.NUMBERS)
    bounds = (-1, 2) if x.dtype not in et.UNSIGNED else (1, 6)
    low, high = (m.constant(np.asarray(bound), x.dtype) if m.chance(0.8) else
                 (m.fed(np.asarray(bound).astype(x.dtype)) if m.chance(0.5) else None) for bound in bounds)
    m.emit(name, [x, low, high], exact=True)


@op("PRelu", weight=0.5)
def prelu(m, name):
    x = m.tensor(et.WIDE_FLOATS, rank=(1, 4))
    slope = [extent if m.chance(0.6) else 1 for extent in x.shape][m.integer(0, x.rank - 1):]
    m.emit(name, [x, m.weight(x.dtype, slope)])


@op("Cast", weight=1.5)
def cast(m, name):
    x = m.tensor(et.ALL)
    to = m.one_of(et.ALL)
    if not et.is_float(to) and to != et.BOOL and not x.within(*_castable(x.dtype, to)):
        to = m.one_of(et.FLOATS)
    if et.is_float(to) and not x.within(-et.largest(to), et.largest(to)):
        to = et.F32
    exact = not et.is_float(to) or et.noise(to) <= et.noise(x.dtype)
    m.emit(name, [x], exact=exact, to=et.code(to))


def _castable(dtype, to):
    """Where a cast is defined: integers wrap, floats must be inside the range of the type they go to."""
    if not et.is_float(dtype):
        return -np.inf, np.inf
    low, high = et.limits(to)
    return max(low, -2 ** 31), min(high, 2 ** 31 - 200)


@op("CastLike", weight=0.3, since=15)
def cast_like(m, name):
    x, like = m.tensor(et.ALL), m.tensor(et.ALL)
    if not et.is_float(like.dtype) and like.dtype != et.BOOL and not x.within(*_castable(x.dtype, like.dtype)):
        like = m.tensor((et.F32,))
    m.emit(name, [x, like], exact=False)


@op("Dropout", weight=0.2)
def dropout(m, name):
    m.emit(name, [m.tensor(et.WIDE_FLOATS)], exact=True)


@op("BitCast", weight=0.3, since=26)
def bit_cast(m, name):
    x = m.tensor((et.I32, et.U32, et.I64, et.U64, et.I8, et.U8, et.I16, et.U16))
    to = {1: (et.I8, et.U8), 2: (et.I16, et.U16), 4: (et.I32, et.U32), 8: (et.I64, et.U64)}[x.dtype.itemsize]
    m.emit(name, [x], exact=True, to=et.code(m.one_of(to)))
