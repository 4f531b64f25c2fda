"""Operators that read and write by index."""
import numpy as np

import element_types as et
from ops_movement import negated
from registry import op


def _indices(m, extent, shape, dtype=None):
    low = -extent if m.chance(0.3) else 0
    array = m.rng.integers(low, extent, shape).astype(dtype or m.one_of(et.INDEX))
    return m.fed(array) if m.chance(0.6) else m.constant(array)


def _table(m, types=et.ALL, rank=(1, 5)):
    return m.tensor(types, rank=rank, test=lambda v: v.array.size > 0)


@op("Gather", weight=1.5)
def gather(m, name):
    x = _table(m)
    axis = m.integer(0, x.rank - 1)
    m.emit(name, [x, _indices(m, x.shape[axis], m.shape(0, 6 - x.rank))], exact=True, axis=negated(m, axis, x.rank))


@op("GatherElements", weight=0.8)
def gather_elements(m, name):
    x = _table(m)
    axis = m.integer(0, x.rank - 1)
    shape = [m.integer(1, extent) for extent in x.shape]
    shape[axis] = m.integer(1, 5)
    m.emit(name, [x, _indices(m, x.shape[axis], shape)], exact=True, axis=negated(m, axis, x.rank))


@op("GatherND", weight=0.7)
def gather_nd(m, name):
    x = _table(m)
    batch = m.integer(0, 1) if x.rank > 1 and m.chance(0.4) else 0
    depth = m.integer(1, x.rank - batch)
    lead = list(x.shape[:batch]) + [m.integer(1, 4) for _ in range(m.integer(0 if batch else 0, 2))]
    columns = [m.rng.integers(-e if m.chance(0.3) else 0, e, lead) for e in x.shape[batch:batch + depth]]
    indices = np.stack(columns, -1).astype(np.int64)
    m.emit(name, [x, m.fed(indices) if m.chance(0.5) else m.constant(indices)], exact=True, batch_dims=batch)


def _distinct(m, shape, extent, axis):
    """Indices without repeats along `axis`: the order of writes is not defined."""
    count = shape[axis]
    rows = int(np.prod(shape, dtype=np.int64)) // max(count, 1)
    picks = np.stack([m.rng.permutation(extent)[:count] for _ in range(rows)]) if rows else np.zeros((0, count), int)
    others = [e for i, e in enumerate(shape) if i != axis]
    return np.moveaxis(picks.reshape(others + [count]), -1, axis)


@op("ScatterElements", weight=0.8)
def scatter_elements(m, name):
    reductions = ["none", "none"] + (["add", "mul"] if m.opset >= 16 else []) + (["max", "min"] if m.opset >= 18 else [])
    reduction = m.one_of(reductions)
    x = _table(m, et.ALL if reduction == "none" else (et.F32, et.F32, et.F64, et.I32, et.I64))
    axis = m.integer(0, x.rank - 1)
    shape = [m.integer(1, extent) for extent in x.shape]
    if reduction == "none":
        array = _distinct(m, shape, x.shape[axis], axis)
    else:
        array = m.rng.integers(0, x.shape[axis], shape)
    if m.chance(0.3):
        array = np.where(m.rng.random(shape) < 0.5, array, array - x.shape[axis])
    indices = array.astype(m.one_of(et.INDEX))
    more = {"reduction": reduction} if reduction != "none" else {}
    m.emit(name, [x, m.fed(indices) if m.chance(0.5) else m.constant(indices), m.tensor((x.dtype,), shape=shape)],
           exact=reduction in ("none", "max", "min"), axis=negated(m, axis, x.rank), **more)


@op("ScatterND", weight=0.7)
def scatter_nd(m, name):
    reductions = ["none", "none"] + (["add", "mul"] if m.opset >= 16 else []) + (["max", "min"] if m.opset >= 18 else [])
    reduction = m.one_of(reductions)
    x = _table(m, et.ALL if reduction == "none" else (et.F32, et.F32, et.F64, et.I32, et.I64), rank=(1, 4))
    depth = m.integer(1, x.rank)
    cells = int(np.prod(x.shape[:depth]))
    count = m.integer(1, min(cells, 5))
    flat = m.rng.permutation(cells)[:count] if reduction == "none" else m.rng.integers(0, cells, count)
    indices = np.stack(np.unravel_index(flat, x.shape[:depth]), -1).astype(np.int64)
    updates = m.tensor((x.dtype,), shape=(count,) + x.shape[depth:])
    more = {"reduction": reduction} if reduction != "none" else {}
    m.emit(name, [x, m.fed(indices) if m.chance(0.5) else m.constant(indices), updates],
           exact=reduction in ("none", "max", "min"), **more)


@op("OneHot", weight=0.5)
def one_hot(m, name):
    depth = m.integer(1, 7)
    x = _indices(m, depth, m.shape(1, 4), m.one_of((et.I64, et.I32, et.F32)))
    dtype = m.one_of((et.F32, et.I64, et.I32))
    values = m.constant([0, 1] if m.chance(0.7) else [2, 5], dtype)
    m.emit(name, [x, m.constant([depth] if m.chance(0.5) else depth, np.int64), values], exact=True,
           axis=m.integer(-x.rank - 1, x.rank))


@op("TopK", weight=0.5)
def top_k(m, name):
    x = m.tensor((et.F32, et.F32, et.F64, et.I32, et.I64), rank=(1, 4),
                 test=lambda v: v.array.size > 0 and np.unique(v.array).size == v.array.size)
    axis = m.integer(0, x.rank - 1)
    m.emit(name, [x, m.int64s([m.integer(1, x.shape[axis])])], outputs=2, exact=True, axis=negated(m, axis, x.rank),
           largest=int(m.chance(0.6)))
