"""A graph on its way: values with their contents, nodes that are appended one by one and evaluated at once.

Beside its nominal contents every value has two twins: what it could be if every operator before it had rounded in another
way. They tell how well conditioned a result is, so how far it may be off; a node whose integers, bools or steps differ
between twins stands at a boundary (a tie of ArgMax, Floor of 2.9999999), and is not taken. So no mismatch needs excuses.
"""
import dataclasses

import numpy as np
import onnx

import element_types as et
import oracle

TWINS = 2
MOST_ELEMENTS = 6000
_EXTENTS = (1, 2, 3, 7, 8, 9, 1, 2, 3, 7, 8, 9, 4, 5, 16, 17)


# Operators whose attributes or bodies hold no number of f32. The others are only as precise as f32 in f64.
_PLAIN = {"Add", "Sub", "Mul", "Div", "Mod", "Pow", "Sqrt", "Reciprocal", "Exp", "Log", "Sin", "Cos", "Tan", "Sinh", "Cosh",
          "Sum", "Mean", "MatMul", "Conv", "ReduceSum", "ReduceMean", "ReduceProd", "ReduceSumSquare", "ReduceL1", "ReduceL2",
          "CumSum", "Softmax", "LogSoftmax", "Einsum", "ScatterElements", "ScatterND", "ReduceLogSum", "ReduceLogSumExp",
          "GlobalAveragePool", "AveragePool", "Asin", "Acos", "Atan", "Tanh", "Asinh", "Acosh", "Atanh"}


# Operators that go through numbers of about 1, or of their operands' size, to results that may be much smaller.
_SATURATING = {"LSTM", "GRU", "RNN", "Sigmoid", "Tanh", "Erf", "Gelu", "Mish", "Swish", "Softplus", "Elu", "Selu", "Celu",
               "HardSwish", "HardSigmoid", "Softmax", "Atan", "Asinh", "Sin", "Cos", "Resize", "GridSample", "Attention", "If", "Loop",
               "Scan"}


def _amount(op, array):
    return 2e5 if array.dtype == et.F64 and op not in _PLAIN else 1.0


def _floor(op, reads):
    """The size of the numbers whose rounding shows in results of `op`, where results may be smaller than they are."""
    if op not in _SATURATING:
        return 0.0
    floats = [value.array for value in reads if et.is_float(value.dtype) and value.array.size]
    return max([1.0] + [float(np.max(np.abs(array.astype(np.float64)))) for array in floats])


class Reject(Exception):
    """The node cannot be appended; nothing of it stays."""


@dataclasses.dataclass
class Value:
    name: str
    array: np.ndarray
    twins: list
    kind: str  # "input", "constant" or "node"
    fixed: bool = False  # of an input: the model states its extents

    @property
    def dtype(self):
        return self.array.dtype

    @property
    def shape(self):
        return self.array.shape

    @property
    def rank(self):
        return self.array.ndim

    def within(self, low, high):
        """Whether the contents, and those of the twins, are all in [low, high]."""
        return all(array.size == 0 or bool(np.all((array >= low) & (array <= high))) for array in
                   (self.array, *self.twins))


class Maker:
    """`opset`: of ai.onnx. `rng`: decides everything, so that a seed gives the same graph again."""

    def __init__(self, rng, opset):
        self.rng, self.opset = rng, opset
        self.values, self.nodes = [], []
        self.by_name = {}
        self.ops = []
        self.decides = False  # whether contents decide an extent
        self._number = 0
        # How often what a shape is made of is an input: then it is not known when the model is imported.
        self.runtime = rng.choice([0, 0, 0, 0.3])
        self.reuse = rng.choice([0.9, 0.75, 0.5])

    # Choices.

    def chance(self, probability):
        return self.rng.random() < probability

    def one_of(self, items):
        return items[int(self.rng.integers(len(items)))]

    def integer(self, low, high):
        """In [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def extent(self):
        return 0 if self.chance(0.01) else self.one_of(_EXTENTS)

    def shape(self, low=0, high=5):
        """A shape of a rank in [low, high], of at most 600 elements."""
        rank = self.integer(low, high)
        shape = [self.extent() for _ in range(rank)]
        while np.prod(shape, dtype=np.int64) > 600:
            shape[self.integer(0, rank - 1)] = self.integer(1, 3)
        return tuple(shape)

    # Values.

    def new_name(self, letter):
        self._number += 1
        return f"{letter}{self._number}"

    def add(self, kind, array, letter):
        value = Value(self.new_name(letter), array, [array] * TWINS, kind)
        self.values.append(value)
        self.by_name[value.name] = value
        return value

    def constant(self, array, dtype=None):
        """An initializer with these contents."""
        return self.add("constant", np.asarray(array, dtype), "c")

    def int64s(self, items):
        """Axes, extents, positions."""
        array = np.array(items, np.int64)
        if not self.chance(self.runtime):
            return self.constant(array)
        value = self.fed(array)
        value.fixed = self.decides = True
        return value

    def fed(self, array):
        return self.add("input", np.asarray(array), "x")

    def fresh(self, dtype, shape, low=None, high=None):
        """A new input or constant of drawn contents."""
        array = et.draw(self.rng, dtype, shape, low, high)
        return self.fed(array) if self.chance(0.65) else self.constant(array)

    def weight(self, dtype, shape, low=-1.0, high=1.0):
        """A new constant, seldom an input, of drawn contents."""
        array = et.draw(self.rng, dtype, shape, low, high)
        if self.chance(0.8):
            return self.constant(array)
        value = self.fed(array)
        value.fixed = True
        return value

    def tensor(self, types=et.ALL, rank=(0, 5), shape=None, low=None, high=None, test=None):
        """A value of one of `types`, of a rank in `rank` or of `shape`, with contents in [low, high]: one there is, or new."""
        def fits(value):
            return value.dtype in types and rank[0] <= value.rank <= rank[1] and \
                (shape is None or value.shape == tuple(shape)) and (test is None or test(value)) and \
                (low is None or value.within(low, np.inf)) and (high is None or value.within(-np.inf, high))
        if self.chance(self.reuse):
            candidates = [value for value in self.values if fits(value) and value.kind != "constant"]
            if candidates:
                recent = candidates[-6:] if self.chance(0.7) else candidates
                return self.one_of(recent)
        for _ in range(8):
            value = self.fresh(self.one_of(types), self.shape(*rank) if shape is None else shape, low, high)
            if test is None or test(value):
                return value
            self.forget(len(self.values) - 1)
        raise Reject("no value fits")

    def partner(self, x, low=None, high=None):
        """A second operand that broadcasts with `x`, of its type."""
        shape = list(x.shape)
        way = self.rng.random()
        if way < 0.4:
            pass
        elif way < 0.75:
            shape = [1 if self.chance(0.4) else extent for extent in shape][self.integer(0, len(shape)):]
        elif len(shape) < 5:
            shape = [self.one_of((1, 2, 3))] * self.integer(0, 1) + [self.one_of((2, 3, 7)) if e == 1 and self.chance(0.5)
                                                                     else e for e in shape]
        return self.tensor((x.dtype,), shape=tuple(shape), low=low, high=high)

    # Nodes.

    def emit(self, op, inputs, outputs=1, exact=False, discrete=False, body_reads=(), decides=False, **attributes):
        """Appends a node and gives its results: one Value, or a list for `outputs` > 1; an entry of `outputs` that is None
        leaves that result out. `exact`: the operator does not round. `discrete`: its floats are steps, as Floor's are.
        `decides`: contents decide an extent."""
        names = [value.name if value is not None else "" for value in inputs]
        while names and not names[-1]:
            names.pop()
        results = outputs if isinstance(outputs, list) else [True] * outputs
        results = [self.new_name("y") if wanted else "" for wanted in results]
        node = onnx.helper.make_node(op, names, results, name=f"n{len(self.nodes)}", **attributes)
        made = self.emit_group([node], [*inputs, *body_reads], [name for name in results if name], exact, discrete, decides)
        return made[0] if outputs == 1 else made

    def emit_group(self, nodes, reads, results, exact=False, discrete=False, decides=False):
        """Appends nodes between which there may be other values than tensors, and gives `results` of them, by name."""
        op = nodes[-1].op_type
        reads = [self.by_name[name] for name in dict.fromkeys(value.name for value in reads if value is not None)]
        samples, constants = self._samples(reads, exact)
        try:
            nominal, *twins = oracle.evaluate(nodes, results, samples, constants, self.opset)
        except oracle.Refusal as refusal:
            raise Reject(f"{op}: {refusal}") from refusal
        other = {} if exact else oracle.second_opinion(nodes, results, samples[0], constants, self.opset)
        made = []
        for name in results:
            arrays = [twin[name] for twin in twins]
            if not exact and not discrete:
                arrays = [et.disturb(self.rng, array, _amount(op, array), _floor(op, reads), zeros=True) for array in arrays]
            if name in other and other[name].shape == nominal[name].shape and other[name].dtype == nominal[name].dtype:
                arrays[-1] = other[name]
            self._check(op, nominal[name], arrays, discrete)
            made.append(Value(name, nominal[name], arrays, "node"))
        for value in made:
            self.values.append(value)
            self.by_name[value.name] = value
        self.nodes += nodes
        self.ops += [node.op_type for node in nodes]
        self.decides |= decides
        return made

    def _samples(self, reads, exact):
        constants = {value.name: value.array for value in reads if value.kind == "constant"}
        fed = [value for value in reads if value.kind != "constant"]
        samples = [{value.name: value.array for value in fed}]
        for i in range(TWINS):
            samples.append({value.name: value.twins[i] if exact else et.disturb(self.rng, value.twins[i])
                            for value in fed})
        return samples, constants

    def _check(self, op, array, twins, discrete):
        if array.size > MOST_ELEMENTS:
            raise Reject(f"{op}: too large")
        if any(twin.shape != array.shape for twin in twins):
            raise Reject(f"{op}: a shape that depends on rounding")
        if not et.is_float(array.dtype) or discrete:
            if any(not np.array_equal(twin, array) for twin in twins):
                raise Reject(f"{op}: at a boundary")
        if et.is_float(array.dtype) and array.size:
            wide = array.astype(np.float64)
            if not np.all(np.isfinite(wide)):
                raise Reject(f"{op}: not finite")
            scale = np.max(np.abs(wide))
            if scale > et.largest(array.dtype):
                raise Reject(f"{op}: large")
            spread = max(np.max(np.abs(twin.astype(np.float64) - wide)) for twin in twins)
            if not spread <= max(200 * et.noise(array.dtype), 1e-5) * max(scale, 1e-3):
                raise Reject(f"{op}: badly conditioned")

    def forget(self, count, nodes=None):
        """Drops values from the `count`-th on, and nodes from the `nodes`-th on."""
        for value in self.values[count:]:
            del self.by_name[value.name]
        del self.values[count:]
        if nodes is not None:
            del self.nodes[nodes:]
            del self.ops[nodes:]
