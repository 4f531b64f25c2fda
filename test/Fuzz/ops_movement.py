"""Operators that move elements: shapes, slices, pads, concatenation."""
import numpy as np

import element_types as et
from registry import op


def axes_operand(m, axes):
    return m.constant(np.array(axes, np.int64))


def negated(m, axis, rank):
    """The same axis, sometimes counted from the end."""
    return axis - rank if m.chance(0.4) else axis


def some_axes(m, rank, least=1):
    axes = [axis for axis in range(rank) if m.chance(0.5)]
    if len(axes) < least:
        axes = [m.integer(0, rank - 1)]
    m.rng.shuffle(axes)
    return [int(axis) for axis in axes]


def factors(m, count, rank):
    """A shape of `rank` with `count` elements."""
    shape = [1] * rank
    rest, divisor = count, 2
    while rest > 1:
        if rest % divisor:
            divisor += 1
        else:
            shape[m.integer(0, rank - 1)] *= divisor
            rest //= divisor
    return shape


@op("Reshape", weight=1.5)
def reshape(m, name):
    x = m.tensor(et.ALL)
    if x.array.size == 0:
        m.emit(name, [x, m.int64s([0 if 0 in x.shape[:1] else -1] + [1])], exact=True)
        return
    rank = m.integer(1 if x.array.size > 1 else 0, 5)
    shape = factors(m, x.array.size, rank) if rank else []
    if m.chance(0.25) and x.rank:  # merges or splits neighbours, as models do
        cut = m.integer(0, x.rank - 1)
        shape = list(x.shape[:cut]) + [int(np.prod(x.shape[cut:]))]
    zeros = [i for i in range(min(len(shape), x.rank)) if shape[i] == x.shape[i]]
    if zeros and m.chance(0.4):
        shape[m.one_of(zeros)] = 0
    if shape and m.chance(0.5):
        at = m.integer(0, len(shape) - 1)
        if shape[at]:
            shape[at] = -1
    m.emit(name, [x, m.int64s(shape)], exact=True)


@op("Transpose", weight=1.5)
def transpose(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    m.emit(name, [x], exact=True, **({"perm": [int(a) for a in m.rng.permutation(x.rank)]} if m.chance(0.9) else {}))


@op("Flatten", weight=0.5)
def flatten(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    m.emit(name, [x], exact=True, axis=m.integer(-x.rank, x.rank))


@op("Squeeze")
def squeeze(m, name):
    x = m.tensor(et.ALL, rank=(1, 5), test=lambda v: 1 in v.shape)
    axes = [negated(m, i, x.rank) for i, extent in enumerate(x.shape) if extent == 1 and m.chance(0.7)]
    m.emit(name, [x] + ([axes_operand(m, axes)] if axes else []), exact=True)


@op("Unsqueeze")
def unsqueeze(m, name):
    x = m.tensor(et.ALL, rank=(0, 4))
    count = m.integer(1, min(2, 5 - x.rank))
    axes = m.rng.choice(x.rank + count, count, replace=False)
    m.emit(name, [x, axes_operand(m, [negated(m, int(axis), x.rank + count) for axis in axes])], exact=True)


@op("Concat", weight=1.5)
def concat(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    axis = m.integer(0, x.rank - 1)
    operands = [x]
    for _ in range(m.integer(0, 3)):
        shape = list(x.shape)
        shape[axis] = m.extent()
        same = [v for v in m.values if v.dtype == x.dtype and v.rank == x.rank and v.kind == "node" and
                v.shape[:axis] + v.shape[axis + 1:] == x.shape[:axis] + x.shape[axis + 1:]]
        operands.append(m.one_of(same) if same and m.chance(0.6) else m.tensor((x.dtype,), shape=shape))
    m.rng.shuffle(operands)
    m.emit(name, operands, exact=True, axis=negated(m, axis, x.rank))


@op("Slice", weight=1.5)
def slices(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    axes = some_axes(m, x.rank)
    starts, ends, steps = [], [], []
    for axis in axes:
        extent, backward = x.shape[axis], m.chance(0.3)
        step = m.one_of((1, 1, 1, 2, 3)) * (-1 if backward else 1)
        first, last = sorted((m.integer(0, extent), m.integer(0, extent)))
        if backward:
            starts.append(last if last < extent or m.chance(0.5) else 2 ** 31)
            ends.append(first - 1 if first > 0 else -2 ** 31)
        else:
            starts.append(first - extent if m.chance(0.3) and first < extent else first)
            ends.append(last if last < extent else m.one_of((extent, 2 ** 31 - 1, 2 ** 63 - 1, extent + 3)))
        steps.append(step)
    make = m.int64s
    operands = [x, make(starts), make(ends), make([negated(m, axis, x.rank) for axis in axes])]
    if any(step != 1 for step in steps) or m.chance(0.5):
        operands.append(make(steps))
    m.emit(name, operands, exact=True)


@op("Split")
def split(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    axis = m.integer(0, x.rank - 1)
    parts = m.integer(1, 3)
    cuts = sorted(m.integer(0, x.shape[axis]) for _ in range(parts - 1))
    sizes = [b - a for a, b in zip([0] + cuts, cuts + [x.shape[axis]])]
    if m.opset >= 18 and m.chance(0.3) and x.shape[axis] >= 2:
        parts = 2
        m.emit(name, [x], outputs=[True] * parts, exact=True, axis=negated(m, axis, x.rank), num_outputs=parts)
    else:
        m.emit(name, [x, m.int64s(sizes)], outputs=[True] * parts, exact=True, axis=negated(m, axis, x.rank))


@op("Pad", weight=1.2)
def pad(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    mode = m.one_of(("constant", "constant", "edge", "reflect") + (("wrap",) if m.opset >= 19 else ()))
    def amount(extent):
        if mode == "constant" and m.chance(0.15):
            return -m.integer(0, extent // 2)
        return m.integer(0, 3 if mode in ("constant", "edge") else max(0, min(3, extent - 1)))
    pads = [amount(extent) if m.chance(0.6) else 0 for extent in x.shape * 2]
    operands = [x, m.int64s(pads)]
    if mode == "constant" and m.chance(0.5):
        operands.append(m.fresh(x.dtype, ()))
    if m.opset >= 18 and m.chance(0.3):
        operands += [None] * (3 - len(operands))
        axes = some_axes(m, x.rank)
        operands[1] = m.int64s([pads[axis] for axis in axes] + [pads[x.rank + axis] for axis in axes])
        operands.append(axes_operand(m, [negated(m, axis, x.rank) for axis in axes]))
    m.emit(name, operands, exact=True, mode=mode)


@op("Tile", weight=0.7)
def tile(m, name):
    x = m.tensor(et.ALL, rank=(1, 5))
    m.emit(name, [x, m.int64s([m.one_of((1, 1, 2, 3)) for _ in x.shape])], exact=True)


@op("Expand")
def expand(m, name):
    x = m.tensor(et.ALL, rank=(0, 4))
    shape = [m.one_of((2, 3, 7)) if extent == 1 else (1 if m.chance(0.3) else extent) for extent in x.shape]
    if m.chance(0.3):
        shape = [m.one_of((1, 2, 3))] + shape
    elif shape and m.chance(0.2):
        shape = shape[1:]
    m.emit(name, [x, m.int64s(shape)], exact=True)


@op("DepthToSpace", "SpaceToDepth", weight=0.5)
def depth(m, name):
    block = m.one_of((2, 3))
    batch, channels, height, width = m.one_of((1, 2)), m.one_of((1, 2, 3)), m.one_of((1, 2, 3)), m.one_of((1, 2, 5))
    if name == "DepthToSpace":
        x = m.tensor((et.F32, et.F32, et.F64, et.F16, et.I32, et.U8), shape=(batch, channels * block * block, height, width))
        m.emit(name, [x], exact=True, blocksize=block, **({"mode": m.one_of(("DCR", "CRD"))} if m.chance(0.7) else {}))
    else:
        x = m.tensor((et.F32, et.F32, et.F64, et.I32, et.U8), shape=(batch, channels, height * block, width * block))
        m.emit(name, [x], exact=True, blocksize=block)


@op("Shape", weight=0.6)
def shape_of(m, name):
    x = m.tensor(et.ALL)
    more = {}
    if m.opset >= 15 and m.chance(0.4):
        more = {"start": m.integer(-x.rank, x.rank), "end": m.integer(-x.rank, x.rank)}
    shape = m.emit(name, [x], exact=True, **more)
    if m.chance(0.4) and shape.array.size and int(np.prod(shape.array)) <= 600:
        like = m.fresh(m.one_of((et.F32, et.I64)), (1,) * shape.array.size)
        m.emit("Expand", [like, shape], exact=True)


@op("Size", weight=0.3)
def size_of(m, name):
    m.emit(name, [m.tensor(et.ALL)], exact=True)


@op("ConstantOfShape", weight=0.4)
def constant_of_shape(m, name):
    x = m.tensor(et.ALL, test=lambda v: v.array.size <= 600)
    shape = m.emit("Shape", [x], exact=True) if m.chance(0.6) else m.int64s(x.shape)
    value = np.asarray([m.integer(0, 5)]).astype(m.one_of((et.F32, et.F64, et.F16, et.I32, et.I64, et.U8, et.BOOL)))
    from onnx import numpy_helper
    m.emit(name, [shape], exact=True, **({"value": numpy_helper.from_array(value)} if m.chance(0.8) else {}))


@op("Range", weight=0.4)
def arange(m, name):
    dtype = m.one_of((et.I64, et.I32, et.F32, et.I16))
    start, step, count = m.integer(-5, 5), m.one_of((1, 2, -1, 3)), m.integer(0, 12)
    m.emit(name, [m.constant(np.asarray(v), dtype) for v in (start, start + step * count, step)], exact=True)


@op("EyeLike", weight=0.3)
def eye_like(m, name):
    x = m.tensor((et.F32, et.F64, et.I32, et.I64, et.U8), rank=(2, 2))
    m.emit(name, [x], exact=True, k=m.integer(-2, 2), **({"dtype": et.code(m.one_of((et.F32, et.I64, et.F64)))}
                                                        if m.chance(0.5) else {}))


@op("Trilu", weight=0.6, since=14)
def trilu(m, name):
    x = m.tensor((et.F32, et.F32, et.F64, et.I64, et.BOOL), rank=(2, 5))
    operands = [x] + ([m.constant(np.asarray(m.integer(-3, 3)), np.int64)] if m.chance(0.6) else [])
    m.emit(name, operands, exact=True, upper=int(m.chance(0.5)))


@op("ReverseSequence", weight=0.4)
def reverse_sequence(m, name):
    x = m.tensor(et.ALL, rank=(2, 4), test=lambda v: v.array.size > 0)
    batch = m.integer(0, 1)
    lengths = m.rng.integers(1, x.shape[1 - batch] + 1, x.shape[batch])
    make = m.constant if m.chance(0.5) else m.fed
    m.emit(name, [x, make(lengths.astype(np.int64))], exact=True, batch_axis=batch, time_axis=1 - batch)


@op("CenterCropPad", weight=0.3, since=18)
def center_crop_pad(m, name):
    x = m.tensor((et.F32, et.F32, et.I32), rank=(1, 4))
    m.emit(name, [x, m.int64s([m.integer(1, 9) for _ in x.shape])], exact=True)
