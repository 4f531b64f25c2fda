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
