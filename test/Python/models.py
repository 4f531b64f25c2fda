"""Small models for the tests of this folder."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def model(nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(v, n) for n, v in initializers])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="test")


def value(name, kind, *dims):
    return helper.make_tensor_value_info(name, kind, dims)


def outputs_of_all_kinds():
    """Three outputs, whose order is neither the alphabet's nor the nodes': [3] int64, [3] bool, a scalar."""
    return model([helper.make_node("ReduceSum", ["x"], ["a_total"], keepdims=0),
                  helper.make_node("Greater", ["a", "one"], ["b_more"]),
                  helper.make_node("Add", ["a", "one"], ["c_next"])],
                 [value("a", INT64, 3), value("x", FLOAT, "R", 3)],
                 [value("c_next", INT64, 3), value("b_more", BOOL, 3), value("a_total", FLOAT)],
                 [("one", np.array(1, np.int64))])


def identity(kind, *dims):
    """y = x without arithmetic, for types."""
    return model([helper.make_node("Transpose", ["x"], ["y"], perm=list(reversed(range(len(dims)))))],
                 [value("x", kind, *dims)], [value("y", kind, *reversed(dims))])


def unknown_op():
    return model([helper.make_node("NoSuchOp", ["x"], ["y"], name="there")],
                 [value("x", FLOAT, 4)], [value("y", FLOAT, 4)])


def sequence(name, kind, *dims):
    return helper.make_tensor_sequence_value_info(name, kind, dims or None)


def optional(info):
    """The same value, which may also be empty."""
    kind = helper.make_optional_type_proto(info.type)
    return helper.make_value_info(info.name, kind)


def split():
    """parts = the rows of x, as a sequence; count = how many."""
    return model([helper.make_node("SplitToSequence", ["x"], ["parts"], keepdims=0),
                  helper.make_node("SequenceLength", ["parts"], ["count"])],
                 [value("x", FLOAT, "N", 2)], [sequence("parts", FLOAT, 2), value("count", INT64)])


def insert():
    """longer = parts with x at a position: extents of the elements are their own."""
    return model([helper.make_node("SequenceInsert", ["parts", "x", "at"], ["longer"])],
                 [sequence("parts", FLOAT, "N"), value("x", FLOAT, "M"), value("at", INT64)],
                 [sequence("longer", FLOAT, "K")])


def has():
    """Whether x is there."""
    made = model([helper.make_node("OptionalHasElement", ["x"], ["there"])],
                 [optional(value("x", FLOAT, 2))], [value("there", BOOL)])
    made.opset_import[0].version = 18
    return made
