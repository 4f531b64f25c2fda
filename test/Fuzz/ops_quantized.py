"""Quantisation and products of integers."""
import numpy as np

import element_types as et
from ops_reduction import image
from registry import op

_SCALES = (0.03125, 0.0625, 0.125, 0.25, 0.5, 0.1, 0.03)


def _zero_point(m, dtype, shape):
    low, high = et.limits(dtype)
    return m.constant(m.rng.integers(max(low, -8), min(high, 8) + 1, shape), dtype)


@op("QuantizeLinear")
def quantize(m, name):
    x = m.tensor((et.F32, et.F32, et.F32, et.F16) if m.opset >= 19 else (et.F32,), rank=(0, 5))
    types = (et.U8, et.I8) + ((et.U16, et.I16) if m.opset >= 21 else ())
    dtype = m.one_of(types)
    shape, more = (), {}
    if x.rank and m.chance(0.4):
        axis = m.integer(0, x.rank - 1)
        shape, more = (x.shape[axis],), {"axis": axis - x.rank if m.chance(0.4) else axis}
    scale = m.constant(np.asarray(m.rng.choice(_SCALES[:5], shape)), x.dtype)
    y = m.emit(name, [x, scale] + ([_zero_point(m, dtype, shape)] if m.chance(0.8) else []), exact=True, **more)
    if m.chance(0.5):
        zero = [_zero_point(m, y.dtype, shape)] if m.chance(0.6) else []
        m.emit("DequantizeLinear", [y, scale, *zero], **more)


@op("DequantizeLinear")
def dequantize(m, name):
    types = (et.U8, et.I8, et.U8, et.I8) + ((et.U16, et.I16) if m.opset >= 21 else ())
    x = m.tensor(types, rank=(0, 5))
    shape, more = (), {}
    if x.rank and m.chance(0.4):
        axis = m.integer(0, x.rank - 1)
        shape, more = (x.shape[axis],), {"axis": axis - x.rank if m.chance(0.4) else axis}
    scale = m.constant(np.asarray(m.rng.choice(_SCALES, shape)), et.F32)
    m.emit(name, [x, scale] + ([_zero_point(m, x.dtype, shape)] if m.chance(0.7) else []), **more)


@op("DequantizeLinear", weight=0.4, since=21)
def dequantize_blocked(m, name):
    block, count, columns = m.one_of((2, 4)), m.integer(1, 3), m.one_of((1, 3, 8))
    dtype = m.one_of((et.U8, et.I8, et.I4, et.U4))
    low, high = et.limits(dtype)
    x = m.constant(m.rng.integers(max(low, -20), min(high, 20) + 1, (block * count, columns)), dtype)
    scale = m.constant(m.rng.choice(_SCALES, (count, columns)), et.F32)
    m.emit(name, [x, scale] + ([_zero_point(m, dtype, (count, columns))] if m.chance(0.6) else []), axis=0,
           block_size=block)


@op("Cast", weight=0.4, since=21)
def through_four_bits(m, name):
    x = m.tensor((et.F32, et.I32, et.U8, et.I8), low=0, high=7)
    y = m.emit(name, [x], exact=True, to=et.code(m.one_of((et.I4, et.U4))))
    m.emit(name, [y], exact=True, to=et.code(m.one_of((et.F32, et.I32, et.I8, et.U8))))


@op("Cast", weight=0.4, since=19)
def through_float8(m, name):
    x = m.tensor((et.F32, et.F16, et.F32), low=-400, high=400)
    y = m.emit(name, [x], exact=False, discrete=True, to=et.code(m.one_of(et.F8)))
    m.emit(name, [y], exact=True, to=et.code(m.one_of((et.F32, et.F16))))


@op("DynamicQuantizeLinear", weight=0.4)
def dynamic_quantize(m, name):
    x = m.tensor((et.F32,), rank=(1, 4), test=lambda v: v.array.size > 1)
    m.emit(name, [x], outputs=3)


@op("MatMulInteger", weight=0.7)
def matmul_integer(m, name):
    x = m.tensor((et.U8, et.I8), rank=(2, 4))
    y = m.weight(m.one_of((et.U8, et.I8)), (x.shape[-1], m.extent()), 0, 20)
    operands = [x, y]
    if m.chance(0.6):
        operands.append(_zero_point(m, x.dtype, ()))
        if m.chance(0.6):
            operands.append(_zero_point(m, y.dtype, (y.shape[-1],) if m.chance(0.4) else ()))
    m.emit(name, operands)


@op("ConvInteger", weight=0.5)
def conv_integer(m, name):
    x = image(m, (et.U8,), spatial=2, extents=(3, 5, 7))
    kernel = [m.one_of((1, 2, 3)) for _ in range(2)]
    w = m.weight(et.U8, [m.one_of((1, 2, 4)), x.shape[1]] + kernel, 0, 20)
    operands = [x, w] + ([_zero_point(m, x.dtype, ())] if m.chance(0.5) else [])
    m.emit(name, operands, pads=[m.integer(0, 1) for _ in range(4)])


@op("QLinearMatMul", weight=0.4)
def qlinear_matmul(m, name):
    # Of products without elements ONNX Runtime forgets the zero point.
    x = m.tensor((et.U8, et.I8), rank=(2, 3), test=lambda v: v.shape[-1] > 0)
    y = m.weight(x.dtype, (x.shape[-1], m.one_of((1, 3, 8))), 0, 20)
    s, t = (m.constant(np.float32(m.one_of(_SCALES[:5]))) for _ in range(2))
    m.emit(name, [x, s, _zero_point(m, x.dtype, ()), y, t, _zero_point(m, x.dtype, ()), m.constant(np.float32(0.25)),
                  _zero_point(m, x.dtype, ())])


@op("QLinearConv", weight=0.4)
def qlinear_conv(m, name):
    x = image(m, (et.U8, et.I8), spatial=2, extents=(3, 5, 7))
    w = m.weight(x.dtype, [m.one_of((1, 2, 4)), x.shape[1], m.one_of((1, 3)), m.one_of((1, 2))], 0, 20)
    s = m.constant(np.float32(m.one_of(_SCALES[:5])))
    per = (w.shape[0],) if m.chance(0.4) else ()
    t = m.constant(np.asarray(m.rng.choice(_SCALES[:4], per)), et.F32)
    operands = [x, s, _zero_point(m, x.dtype, ()), w, t, _zero_point(m, x.dtype, per), m.constant(np.float32(0.25)),
                _zero_point(m, x.dtype, ())]
    if m.chance(0.4):
        operands.append(m.constant(m.rng.integers(-40, 40, w.shape[0]), np.int32))
    m.emit(name, operands, pads=[m.integer(0, 1) for _ in range(4)])
