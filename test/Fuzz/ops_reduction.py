"""Reductions, running sums, softmax, normalisation."""
import numpy as np

import element_types as et
from ops_movement import negated, some_axes
from registry import op

_SUMS = et.FLOATS + (et.I32, et.I64)


def _reduce(m, name, x):
    # Axes are an operand of ReduceSum since 13, of the others since 18.
    keep = {"keepdims": int(m.chance(0.5))}
    operand = name == "ReduceSum" or m.opset >= 18
    if x.rank == 0 or m.chance(0.2):
        if operand and m.chance(0.3):
            keep["noop_with_empty_axes"] = 1
            if name in ("ReduceLogSumExp", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum"):
                del keep["noop_with_empty_axes"]  # versions disagree on whether the function is applied
        m.emit(name, [x], exact=name in ("ReduceMax", "ReduceMin"), **keep)
        return
    axes = [negated(m, axis, x.rank) for axis in some_axes(m, x.rank)]
    if operand:
        m.emit(name, [x, m.int64s(axes)], exact=name in ("ReduceMax", "ReduceMin"), **keep)
    else:
        m.emit(name, [x], exact=name in ("ReduceMax", "ReduceMin"), axes=axes, **keep)


@op("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")
def reduce_common(m, name):
    more = (et.I8, et.U8) if name in ("ReduceMax", "ReduceMin") else ()
    if name in ("ReduceMax", "ReduceMin") and m.opset >= 20:
        more += (et.BOOL,)
    # Sums of integers that overflow saturate in ONNX Runtime.
    x = m.tensor(_SUMS + more, rank=(0, 5), test=lambda v: v.array.size > 0 and (et.is_float(v.dtype) or name != "ReduceSum"
                                                                               or v.within(-10 ** 5, 10 ** 5)))
    if name == "ReduceMean" and not et.is_float(x.dtype):
        x = m.tensor(et.FLOATS, test=lambda v: v.array.size > 0)
    _reduce(m, name, x)


@op("ReduceL1", "ReduceL2", "ReduceSumSquare", weight=0.5)
def reduce_powers(m, name):
    _reduce(m, name, m.tensor(et.FLOATS if name == "ReduceL2" else _SUMS, low=-30, high=30, test=lambda v: v.array.size > 0))


@op("ReduceLogSumExp", weight=0.5)
def reduce_log_sum_exp(m, name):
    _reduce(m, name, m.tensor(et.FLOATS, low=-20, high=20, test=lambda v: v.array.size > 0))


@op("ReduceLogSum", "ReduceProd", weight=0.4)
def reduce_positive(m, name):
    x = m.tensor(et.WIDE_FLOATS, low=0.5, high=1.5 if name == "ReduceProd" else 20, test=lambda v: v.array.size > 0)
    _reduce(m, name, x)


@op("ArgMax", "ArgMin", weight=0.7)
def arg(m, name):
    x = m.tensor((et.F32, et.F32, et.F64, et.F16, et.I8, et.U8, et.I32, et.I64), rank=(1, 5),
                 test=lambda v: v.array.size > 0)
    axis = m.integer(0, x.rank - 1)
    more = {"select_last_index": 1} if m.chance(0.3) else {}
    m.emit(name, [x], exact=True, axis=negated(m, axis, x.rank), keepdims=int(m.chance(0.5)), **more)


@op("CumSum", weight=0.7)
def cumsum(m, name):
    x = m.tensor((et.F32, et.F32, et.F64, et.I32, et.I64), rank=(1, 4))
    axis = m.constant(np.asarray(negated(m, m.integer(0, x.rank - 1), x.rank)), m.one_of((np.int64, np.int32)))
    m.emit(name, [x, axis], exclusive=int(m.chance(0.4)), reverse=int(m.chance(0.4)))


@op("Softmax", weight=1.2)
@op("LogSoftmax", weight=0.8)
def softmax(m, name):
    x = m.tensor(et.FLOATS, rank=(1, 5), low=-30, high=30)
    m.emit(name, [x], **({"axis": negated(m, m.integer(0, x.rank - 1), x.rank)} if m.chance(0.8) else {}))


@op("Hardmax", weight=0.4)
def hardmax(m, name):
    x = m.tensor(et.WIDE_FLOATS, rank=(1, 4), test=lambda v: v.array.size > 0)
    m.emit(name, [x], exact=True, discrete=True, axis=negated(m, m.integer(0, x.rank - 1), x.rank))


@op("LpNormalization", weight=0.4)
def lp_normalization(m, name):
    x = m.tensor(et.WIDE_FLOATS, rank=(1, 4), low=0.25, high=20)
    m.emit(name, [x], axis=negated(m, m.integer(0, x.rank - 1), x.rank), p=m.one_of((1, 2)))


@op("LayerNormalization", weight=0.8, since=17)
def layer_normalization(m, name):
    x = m.tensor(et.WIDE_FLOATS, rank=(1, 5), low=-50, high=50, test=lambda v: v.array.size > 0)
    axis = m.integer(0, x.rank - 1)
    operands = [x, m.weight(x.dtype, x.shape[axis:], 0.5, 1.5)]
    if m.chance(0.6):
        operands.append(m.weight(x.dtype, x.shape[axis:]))
    # A variance of a few elements cancels: only a larger epsilon bounds its reciprocal.
    few = int(np.prod(x.shape[axis:])) < 8
    # With several results the body that ONNX defines is computed, which goes through f32 where ONNX Runtime stays in f64.
    outputs = [True] * (3 if x.dtype != et.F64 and m.chance(0.15) else 1)
    m.emit(name, operands, outputs=outputs if len(outputs) > 1 else 1, axis=negated(m, axis, x.rank),
           epsilon=float(m.one_of((1e-2, 0.5) if few else (1e-5, 1e-2, 0.5))))


@op("RMSNormalization", weight=0.6, since=23)
def rms_normalization(m, name):
    x = m.tensor(et.WIDE_FLOATS, rank=(1, 5), low=-50, high=50, test=lambda v: v.array.size > 0)
    axis = m.integer(0, x.rank - 1)
    m.emit(name, [x, m.weight(x.dtype, x.shape[axis:], 0.5, 1.5)], axis=negated(m, axis, x.rank),
           epsilon=float(m.one_of((1e-5, 1e-2))))


def image(m, types=et.WIDE_FLOATS, spatial=None, channels=(1, 2, 3, 4, 8), extents=(1, 2, 3, 5, 7, 8, 9)):
    """[N, C, D1, ..] of one to three spatial dimensions."""
    dims = m.one_of((1, 2, 2, 2, 3)) if spatial is None else spatial

    def fits(value):
        return value.rank == dims + 2 and 0 < value.array.size <= 2000 and value.within(-20, 20)
    found = [value for value in m.values if value.dtype in types and fits(value) and value.kind != "constant"]
    if found and m.chance(m.reuse):
        return m.one_of(found)
    shape = [m.one_of((1, 1, 2, 3)), m.one_of(channels)] + [m.one_of(extents) for _ in range(dims)]
    return m.fresh(m.one_of(types), shape)


@op("BatchNormalization", weight=0.7)
def batch_normalization(m, name):
    x = image(m) if m.chance(0.8) else m.tensor(et.WIDE_FLOATS, rank=(2, 3), low=-20, high=20)
    channels = (x.shape[1],)
    m.emit(name, [x, m.weight(x.dtype, channels, 0.5, 1.5), m.weight(x.dtype, channels), m.weight(x.dtype, channels),
                  m.weight(x.dtype, channels, 0.5, 2.0)], **({"epsilon": 1e-3} if m.chance(0.5) else {}))


def _epsilon(m, count):
    # ONNX Runtime multiplies the mean and the operand alone by what divides: of a few elements the difference cancels.
    return float(m.one_of((0.1, 0.5) if count < 8 else (1e-3, 1e-1)))


@op("InstanceNormalization", weight=0.6)
def instance_normalization(m, name):
    x = image(m)
    channels = (x.shape[1],)
    m.emit(name, [x, m.weight(x.dtype, channels, 0.5, 1.5), m.weight(x.dtype, channels)],
           epsilon=_epsilon(m, np.prod(x.shape[2:])))


@op("GroupNormalization", weight=0.5, since=21)
def group_normalization(m, name):
    x = image(m)
    groups = m.one_of([g for g in range(1, x.shape[1] + 1) if x.shape[1] % g == 0])
    channels = (x.shape[1],)
    m.emit(name, [x, m.weight(x.dtype, channels, 0.5, 1.5), m.weight(x.dtype, channels)], num_groups=groups,
           epsilon=_epsilon(m, np.prod(x.shape[1:]) // groups))


@op("MeanVarianceNormalization", weight=0.3)
def mean_variance_normalization(m, name):
    m.emit(name, [image(m, (et.F32,), 2)])


@op("LRN", weight=0.4)
def lrn(m, name):
    m.emit(name, [image(m, (et.F32,))], size=m.one_of((1, 3, 5)), alpha=0.05, bias=1.0)
