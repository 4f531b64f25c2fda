"""What a run decides: control flow, extents that depend on data, sequences and optionals."""
import numpy as np
from onnx import TensorProto, helper

import element_types as et
from maker import Reject
from ops_movement import negated
from registry import op

_TYPES = (et.F32, et.F32, et.F32, et.F64, et.F16, et.I32, et.I64)


def _name(m, letter):
    return m.new_name(f"{letter}_")


class _Body:
    """Nodes of a subgraph on their way. All its values have the type and rank of `like`."""

    def __init__(self, m, like):
        self.m, self.like, self.nodes = m, like, []

    def node(self, op_type, *inputs, **attributes):
        name = _name(self.m, "b")
        self.nodes.append(helper.make_node(op_type, list(inputs), [name], **attributes))
        return name

    def number(self, value, dtype=None):
        return self.node("Constant", value=_tensor(np.asarray(value, dtype or self.like.dtype)))

    def step(self, names):
        """The name of one more value, computed of `names`."""
        m, x = self.m, self.m.one_of(names)
        floats = et.is_float(self.like.dtype)
        unary = ("Neg", "Abs", "Identity") + (("Tanh", "Sigmoid", "Relu", "Softplus") if floats else ())
        way = m.rng.random()
        if way < 0.45:
            return self.node(m.one_of(("Add", "Sub", "Mul", "Max", "Min")), x, m.one_of(names))
        if way < 0.85 or not floats or not self.like.rank:
            return self.node(m.one_of(unary), x)
        if way < 0.93:
            return self.node("Softmax", x, axis=-1)
        return self.node("Sub", x, self.node("ReduceMean", x, keepdims=1))

    def steps(self, names, low, high):
        for _ in range(self.m.integer(low, high)):
            names = [*names, self.step(names[-3:])]
        return names[-1]

    def info(self, name, rank=None):
        rank = self.like.rank if rank is None else rank
        return helper.make_tensor_value_info(name, et.code(self.like.dtype), [None] * rank)


def _tensor(array):
    from onnx import numpy_helper
    return numpy_helper.from_array(array)


def _operands(m, types=_TYPES, rank=(0, 4)):
    x = m.tensor(types, rank=rank, low=-2, high=2, test=lambda v: 0 < v.array.size <= 300)
    return [x] + [m.tensor((x.dtype,), shape=x.shape, low=-2, high=2) for _ in range(m.integer(0, 2))]


def _condition(m):
    """A bool that is not known when the model is imported."""
    way = m.rng.random()
    if way < 0.5:
        return m.fed(np.asarray(m.chance(0.5)) if m.chance(0.7) else np.array([m.chance(0.5)]))
    x = m.tensor((et.F32, et.F64, et.I32), test=lambda v: v.array.size > 0)
    total = m.emit("ReduceMax", [x], exact=True, keepdims=0)
    return m.emit(m.one_of(("Greater", "Less")), [total, m.constant(np.asarray(m.integer(-2, 3)), x.dtype)], exact=True)


def _count(m, low=0, high=5):
    """A number of iterations that is not known when the model is imported."""
    if m.chance(0.6):
        count = m.integer(low, high)
        return m.fed(np.array(count if m.chance(0.7) else [count], np.int64))
    x = m.tensor((et.I64, et.I32), low=0, high=high, test=lambda v: v.array.size > 0)
    count = m.emit("ReduceMax", [x], exact=True, keepdims=0)
    return count if x.dtype == et.I64 else m.emit("Cast", [count], exact=True, to=TensorProto.INT64)


def _inner_branch(m, body, condition, names):
    """If inside of a body."""
    graphs = []
    for side in ("then", "else"):
        inner = _Body(m, body.like)
        last = inner.steps([names[0], *names], 1, 2)
        graphs.append(helper.make_graph(inner.nodes, side, [], [inner.info(last)]))
    return body.node("If", condition, then_branch=graphs[0], else_branch=graphs[1])


@op("If", weight=0.8)
def branch(m, name):
    reads = _operands(m)
    x = reads[0]
    condition = _condition(m)
    results = m.integer(1, 2)
    axis = m.integer(0, x.rank - 1) if x.rank else 0
    other = [m.chance(0.4) and x.rank > 0 for _ in range(results)]  # whose extent along `axis` depends on the branch
    graphs = []
    for side in ("then", "else"):
        body = _Body(m, x)
        names, outputs = [value.name for value in reads], []
        for i in range(results):
            last = body.steps([names[0], *names], 1, 3)
            if other[i] and side == "then":
                last = body.node("Concat", last, names[0], axis=axis)
            elif other[i] and m.chance(0.5):
                ends = [body.number([value], np.int64) for value in (0, m.integer(0, x.shape[axis]), axis)]
                last = body.node("Slice", last, *ends)
            elif side == "then" and i == 0 and m.chance(0.25):
                last = _inner_branch(m, body, m.tensor((et.BOOL,), shape=(), test=lambda v: v.kind != "constant").name, names)
            outputs.append(body.info(last))
        graphs.append(helper.make_graph(body.nodes, side, [], outputs))
    inner = [m.by_name[name] for graph in graphs for node in graph.node if node.op_type == "If" for name in node.input]
    m.emit(name, [condition], outputs=[True] * results if results > 1 else 1, body_reads=[*reads, *inner], decides=True,
           then_branch=graphs[0], else_branch=graphs[1])


@op("Loop", weight=0.8)
def loop(m, name):
    reads = _operands(m)
    x = reads[0]
    body = _Body(m, x)
    step, going, state = _name(m, "i"), _name(m, "c"), _name(m, "s")
    names = [state, *(value.name for value in reads)]
    last = body.steps([names[0], *names], 1, 3)
    if m.chance(0.25):
        even = body.node("Equal", body.node("Mod", step, body.number(2, np.int64)), body.number(0, np.int64))
        last = _inner_branch(m, body, even, [last, *names])
    if m.chance(0.3):
        index = body.node("Cast", step, to=et.code(x.dtype))
        last = body.node("Add", last, index)
    scanned = []
    for _ in range(m.integer(0, 2)):
        scanned.append(body.node(m.one_of(("Neg", "Identity")), m.one_of((last, state))))
    if x.rank and m.chance(0.25) and not scanned:  # grows
        last = body.node("Concat", last, m.one_of(names[1:]), axis=m.integer(0, x.rank - 1))
    count, condition = _count(m), None
    way = m.rng.random()
    if way < 0.3:
        condition = m.fed(np.asarray(m.chance(0.8)))
        after = body.node("Identity", going)
    elif way < 0.6:
        total = body.node("ReduceSum", last, keepdims=0)
        after = body.node("Less", total, body.number(m.integer(-3, 20)))
        condition = m.constant(np.asarray(True)) if m.chance(0.5) else None
    else:
        after = body.number(True, bool)
    graph = helper.make_graph(
        body.nodes, "body", [helper.make_tensor_value_info(step, TensorProto.INT64, []),
                             helper.make_tensor_value_info(going, TensorProto.BOOL, []), body.info(state)],
        [helper.make_tensor_value_info(after, TensorProto.BOOL, []), body.info(last), *(body.info(s) for s in scanned)])
    made = m.emit(name, [count, condition, x], outputs=[True] * (1 + len(scanned)), body_reads=reads, decides=True, body=graph)
    if any(result.shape[1:] != x.shape for result in made[1:]):
        raise Reject("no iteration: ONNX Runtime does not know what extents there would have been")


@op("Scan", weight=0.6)
def scan(m, name):
    """Over rows whose number data decide, or not."""
    x = m.tensor((et.F32, et.F32, et.F64, et.I32), rank=(1, 3), low=-2, high=2, test=lambda v: 0 < v.array.size <= 300)
    axis = m.integer(0, x.rank - 1)
    if m.chance(0.6):
        x = _compressed(m, x, axis)
    item = x.shape[:axis] + x.shape[axis + 1:]
    states = [m.tensor((x.dtype,), shape=item, low=-2, high=2) for _ in range(m.integer(1, 2))]
    body = _Body(m, states[0])
    inputs = [_name(m, "s") for _ in states] + [_name(m, "r")]
    outputs = [body.steps([inputs[-1], held, inputs[-1]], 1, 2) for held in inputs[:-1]]
    scanned = [body.node("Neg", outputs[0])] + ([body.node("Identity", inputs[-1])] if m.chance(0.3) else [])
    graph = helper.make_graph(body.nodes, "body", [body.info(i) for i in inputs], [body.info(o) for o in outputs + scanned])
    more = {"scan_input_axes": [axis]}
    if m.chance(0.4):
        more["scan_input_directions"] = [1]
    if m.chance(0.3):
        more["scan_output_directions"] = [m.integer(0, 1) for _ in scanned]
    if m.chance(0.3):
        more["scan_output_axes"] = [m.integer(0, x.rank - 1) for _ in scanned]
    m.emit(name, [*states, x], outputs=[True] * len(outputs + scanned), decides=True, body=graph, num_scan_inputs=1, **more)


# Extents that depend on data.

def _compressed(m, x, axis):
    kept = m.rng.random(x.shape[axis]) < 0.6
    if not kept.any():
        raise Reject("nothing left")
    return m.emit("Compress", [x, m.fed(kept)], exact=True, decides=True, axis=axis)


@op("Compress", weight=0.7)
def compress(m, name):
    x = m.tensor(et.ALL, rank=(1, 4), test=lambda v: v.array.size > 0)
    more, extent = {}, x.array.size
    if m.chance(0.7):
        axis = m.integer(0, x.rank - 1)
        more, extent = {"axis": negated(m, axis, x.rank)}, x.shape[axis]
    kept = m.rng.random(m.integer(1, extent)) < 0.6
    m.emit(name, [x, m.fed(kept) if m.chance(0.8) else m.constant(kept)], exact=True, decides=True, **more)


@op("NonZero", weight=0.7)
def non_zero(m, name):
    x = m.tensor((et.BOOL, et.BOOL, et.F32, et.I32, et.I64, et.U8, et.F64, et.F16, et.I8), rank=(1, 4))
    found = m.emit(name, [x], exact=True, decides=True)
    if m.chance(0.5):  # as models read by it
        m.emit("GatherND", [x, m.emit("Transpose", [found], exact=True, perm=[1, 0])], exact=True)


@op("Unique", weight=0.6)
def unique(m, name):
    x = m.tensor((et.F32, et.I64, et.I64, et.I32, et.I8, et.F64), rank=(1, 3), test=lambda v: v.array.size > 0)
    more = {"axis": negated(m, m.integer(0, x.rank - 1), x.rank)} if m.chance(0.5) else {}
    # The reference of ONNX sorts always, and ONNX Runtime has no kernel for int32.
    m.emit(name, [x], outputs=[True] * m.integer(2, 4) if m.chance(0.6) else 1, exact=True, decides=True,
           sorted=int(x.dtype == et.I32 or m.chance(0.6)), **more)


@op("NonMaxSuppression", weight=0.5)
def non_max_suppression(m, name):
    batch, boxes, classes = m.one_of((1, 2)), m.integer(1, 9), m.one_of((1, 3))
    corners = m.rng.uniform(0, 4, (batch, boxes, 2))
    contents = np.concatenate([corners, corners + m.rng.uniform(0.5, 3, corners.shape)], -1).astype(np.float32)
    scores = m.rng.uniform(0, 1, (batch, classes, boxes)).astype(np.float32)
    operands = [m.fed(contents), m.fed(scores), m.constant(np.array([m.integer(1, 5)], np.int64)),
                m.constant(np.float32([0.4]))]
    operands += [m.constant(np.float32([0.3]))] if m.chance(0.5) else []
    m.emit(name, operands, exact=True, decides=True, center_point_box=int(m.chance(0.2)))


@op("TopK", weight=0.6)
def top_k(m, name):
    x = m.tensor(et.FLOATS + (et.I32, et.I64, et.I8, et.U8), rank=(1, 4),
                 test=lambda v: v.array.size > 0 and np.unique(v.array).size == v.array.size)
    axis = m.integer(0, x.rank - 1)
    if m.chance(0.5):
        k = m.fed(np.array([m.integer(1, x.shape[axis])], np.int64))
    else:
        shape = m.emit("Shape", [x], exact=True)
        k = m.emit("Min", [m.emit("Gather", [shape, m.int64s([axis])], exact=True), m.int64s([m.integer(1, 6)])], exact=True)
    m.emit(name, [x, k], outputs=2, exact=True, decides=True, axis=negated(m, axis, x.rank), largest=int(m.chance(0.6)))


@op("Range", weight=0.4)
def arange(m, name):
    dtype = m.one_of((et.I64, et.I32, et.F32, et.F64))
    start, step, count = m.integer(-5, 5), m.one_of((1, 2, -1, 3)), m.integer(0, 9)
    values = [np.asarray(v, dtype) for v in (start, start + step * count, step)]
    m.emit(name, [m.fed(v) if m.chance(0.5) else m.constant(v) for v in values], exact=True, decides=True)


# Sequences and optionals: their nodes are appended together, since only tensors are values of a graph.

def _position(m, low, high):
    """A scalar in [low, high], or negative, from the end."""
    at = m.integer(low, high)
    value = np.array(at - high - 1 if m.chance(0.3) and at - high - 1 < 0 and low == 0 else at, np.int64)
    return m.fed(value) if m.chance(0.5) else m.constant(value)


class _Group:
    def __init__(self, m):
        self.m, self.nodes, self.reads = m, [], []

    def node(self, op_type, *inputs, **attributes):
        self.reads += [value for value in inputs if not isinstance(value, str)]
        name = _name(self.m, "q")
        self.nodes.append(helper.make_node(op_type, [i if isinstance(i, str) else i.name for i in inputs], [name],
                                           **attributes))
        return name

    def end(self, *outputs, **more):
        return self.m.emit_group(self.nodes, self.reads, list(outputs), decides=True, **more)


def _finish_sequence(m, group, sequence, count, rank, axis, joins=True):
    """Reads tensors out of a sequence of `count`."""
    outputs = []
    if joins and m.chance(0.6):
        outputs.append(group.node("ConcatFromSequence", sequence, axis=axis))
    if m.chance(0.4):
        outputs.append(group.node("SequenceLength", sequence))
    if not outputs or m.chance(0.4):
        outputs.append(group.node("SequenceAt", sequence, _position(m, 0, count - 1)))
    group.end(*outputs, exact=True)


def _changed(m, group, sequence, count, x):
    for _ in range(m.integer(0, 2)):
        if m.chance(0.5):
            position = (_position(m, 0, count),) if m.chance(0.6) else ()
            if position and int(position[0].array) < -count:
                position = ()
            sequence = group.node("SequenceInsert", sequence, m.tensor((x.dtype,), shape=x.shape), *position)
            count += 1
        elif count > 1:
            sequence = group.node("SequenceErase", sequence, *((_position(m, 0, count - 1),) if m.chance(0.6) else ()))
            count -= 1
    return sequence, count


@op("SequenceConstruct", weight=0.5)
def sequence_construct(m, name):
    x = m.tensor(et.ALL, rank=(1, 4), test=lambda v: v.array.size > 0)
    count, axis = m.integer(1, 3), m.integer(0, x.rank - 1)
    parts = [x]
    for _ in range(count - 1):
        shape = list(x.shape)
        shape[axis] = m.integer(1, 4)
        parts.append(m.tensor((x.dtype,), shape=shape))
    group = _Group(m)
    sequence, count = _changed(m, group, group.node(name, *parts), count, x)
    _finish_sequence(m, group, sequence, count, x.rank, axis)


@op("SplitToSequence", weight=0.5)
def split_to_sequence(m, name):
    x = m.tensor((et.F32, et.F32, et.F64, et.I32, et.I64), rank=(1, 4), test=lambda v: v.array.size > 0)
    axis = m.integer(0, x.rank - 1)
    extent, group = x.shape[axis], _Group(m)
    way = m.rng.random()
    if way < 0.4:
        sizes = [m.integer(1, extent)]
        sizes += [extent - sizes[0]] if sizes[0] < extent else []
        count = len(sizes)
        sequence = group.node(name, x, m.fed(np.array(sizes, np.int64)) if m.chance(0.5) else m.int64s(sizes), axis=axis)
    elif way < 0.7:
        size = m.integer(1, extent)
        count = -(-extent // size)
        split = np.array(size, np.int64)
        sequence = group.node(name, x, m.fed(split) if m.chance(0.5) else m.constant(split), axis=axis)
    else:
        keeps = m.chance(0.5)
        count, sequence = extent, group.node(name, x, axis=axis, keepdims=int(keeps))
        _finish_sequence(m, group, sequence, count, x.rank, axis, joins=keeps)
        return
    _finish_sequence(m, group, sequence, count, x.rank, axis)


@op("SequenceEmpty", weight=0.4)
def collected(m, name):
    """A loop that appends to a sequence."""
    x = m.tensor((et.F32, et.F32, et.F64, et.I32, et.I64), rank=(1, 3), low=-2, high=2,
                 test=lambda v: 0 < v.array.size <= 200)
    dtype = et.code(x.dtype)
    group, body = _Group(m), _Body(m, x)
    step, going, held = _name(m, "i"), _name(m, "c"), _name(m, "s")
    part = body.node("Mul", x.name, body.node("Cast", step, to=dtype))
    longer = body.node("SequenceInsert", held, part)
    after = body.node("Identity", going)
    def sequence_info(n):
        return helper.make_tensor_sequence_value_info(n, dtype, None)
    graph = helper.make_graph(body.nodes, "body", [helper.make_tensor_value_info(step, TensorProto.INT64, []),
                                                   helper.make_tensor_value_info(going, TensorProto.BOOL, []),
                                                   sequence_info(held)],
                              [helper.make_tensor_value_info(after, TensorProto.BOOL, []), sequence_info(longer)])
    count = _count(m, 1, 4)
    if count.array.reshape(-1)[0] < 1:
        raise Reject("nothing to join")
    group.reads.append(x)
    empty = group.node(name, dtype=dtype)
    sequence = group.node("Loop", count, m.constant(np.asarray(True)), empty, body=graph)
    outputs = [group.node("ConcatFromSequence", sequence, axis=m.integer(0, x.rank - 1), new_axis=int(m.chance(0.3)))]
    group.end(*outputs)


@op("Optional", weight=0.3, since=18)
def optional(m, name):
    group = _Group(m)
    x = group.node(name, m.tensor((et.F32, et.F64, et.I32, et.I64, et.BOOL)))
    outputs = [group.node("OptionalGetElement", x)]
    if m.chance(0.5):
        outputs.append(group.node("OptionalHasElement", x))
    group.end(*outputs, exact=True)
