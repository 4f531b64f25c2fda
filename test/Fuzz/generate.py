"""A random graph from a seed: valid by construction, with inputs and expected results."""
import collections
import warnings

import numpy as np
import onnx
from onnx import helper

import element_types as et
import ops_contraction  # noqa: F401  (each fills the table)
import ops_control  # noqa: F401
import ops_elementwise  # noqa: F401
import ops_indexing  # noqa: F401
import ops_movement  # noqa: F401
import ops_quantized  # noqa: F401
import ops_reduction  # noqa: F401
import ops_scripts  # noqa: F401
from maker import Maker, Reject
from oracle import reads_of
from registry import TABLE

OPSETS = (13, 15, 17, 18, 19, 20, 21, 22, 23, 23)

# A graph with what is to be known of it. `values`: name -> maker.Value, of everything in it. `inputs`, `outputs`: names.
# `open`: whether the extents of outputs are left open.
Graph = collections.namedtuple("Graph", "seed opset nodes values inputs outputs symbols open")


def _sinks(maker):
    read = set().union(*(reads_of(node) for node in maker.nodes))
    return [value.name for value in maker.values if value.kind == "node" and value.name not in read]


def _symbols(maker):
    """extent -> name for those that the model leaves open."""
    way = maker.rng.random()
    if way < 0.5:
        return {}
    extents = {extent for value in maker.values if value.kind == "input" for extent in value.shape if extent > 1}
    chosen = sorted(extents) if way > 0.85 else [extent for extent in sorted(extents) if maker.chance(0.4)]
    return {extent: f"N{extent}" for extent in chosen}


def make_graph(seed, only=None, most=30):
    """The graph of `seed`. `only`: names of operators it is to consist of (what they need beside may be there too)."""
    rng = np.random.default_rng(seed)
    opset = int(rng.choice(OPSETS))
    maker = Maker(rng, opset)
    table = [entry for entry in TABLE if entry.since <= opset and (not only or entry.name in only)]
    weights = np.array([entry.weight for entry in table])
    size = int(rng.choice([rng.integers(1, 4), rng.integers(3, 12), rng.integers(8, most + 1)]))
    tries = 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        while len(maker.nodes) < size and tries < 6 * size + 10 and table:
            tries += 1
            entry = table[rng.choice(len(table), p=weights / weights.sum())]
            before = len(maker.values), len(maker.nodes)
            try:
                entry.append(maker, entry.name)
            except Reject:
                maker.forget(*before)
    return _finish(seed, maker)


def _finish(seed, maker):
    sinks = _sinks(maker)
    inner = [value.name for value in maker.values if value.kind == "node" and value.name not in sinks]
    outputs = sinks + [name for name in inner if maker.chance(0.08)]
    symbols = _symbols(maker)
    return Graph(seed, maker.opset, maker.nodes, dict(maker.by_name),
                 [value.name for value in maker.values if value.kind == "input"], outputs, symbols,
                 bool(symbols) or maker.decides)


def to_model(graph):
    """The ModelProto. What no node reads is left out of it."""
    read = set().union(*(reads_of(node) for node in graph.nodes))

    def info(name, dims):
        return helper.make_tensor_value_info(name, et.code(graph.values[name].dtype), dims)
    inputs = [info(name, [extent if graph.values[name].fixed else graph.symbols.get(extent, extent)
                          for extent in graph.values[name].shape]) for name in graph.inputs if name in read]
    outputs = [info(name, [None] * graph.values[name].rank if graph.open else graph.values[name].shape)
               for name in graph.outputs]
    weights = [onnx.numpy_helper.from_array(value.array, name) for name, value in graph.values.items()
               if value.kind == "constant" and name in read]
    proto = helper.make_graph(graph.nodes, f"seed_{graph.seed}", inputs, outputs, weights)
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", graph.opset)],
                             ir_version=10 if graph.opset <= 22 else 11)


def feeds_of(graph, model):
    return {info.name: graph.values[info.name].array for info in model.graph.input}
