"""Writes small ONNX models into a folder: python models.py FOLDER NAME..."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def model(nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(v, n) for n, v in initializers])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="test")


def value(name, kind, *dims):
    return helper.make_tensor_value_info(name, kind, dims)


def relu():
    """One node; names that are odd in file names and as --input."""
    return model([helper.make_node("Relu", ["x"], ["x=a:/b"], name="act")],
                 [value("x", FLOAT, "N", 4)], [value("x=a:/b", FLOAT, "N", 4)])


def two_inputs():
    """Input names of which one is the other's prefix with '='."""
    return model([helper.make_node("Sub", ["x", "x=y"], ["out"], name="sub")],
                 [value("x", FLOAT, 2), value("x=y", FLOAT, 2)], [value("out", FLOAT, 2)])


def unknown_op():
    return model([helper.make_node("Hardmax", ["x"], ["h"], name="here"),
                  helper.make_node("NoSuchOp", ["h"], ["y"], name="there")],
                 [value("x", FLOAT, 4)], [value("y", FLOAT, 4)])


def running_sum():
    """Two nodes of which the first has no CUDA kernel."""
    return model([helper.make_node("CumSum", ["x", "axis"], ["sums"], name="running"),
                  helper.make_node("Relu", ["sums"], ["y"], name="act")],
                 [value("x", FLOAT, 2, 3)], [value("y", FLOAT, 2, 3)], [("axis", np.array(1, np.int64))])


def many_faults():
    """Three nodes that cannot be imported, one that depends on one of them, and an input of strings."""
    return model([helper.make_node("Relu", ["x"], ["fine"]), helper.make_node("NoSuchOp", ["fine"], ["a"], name="first"),
                  helper.make_node("NoSuchOp", ["a"], ["hidden"], name="depends"),
                  helper.make_node("NoSuchOp", ["x"], ["b"], name="second"),
                  helper.make_node("SequenceConstruct", ["x"], ["s"]),
                  helper.make_node("Relu", ["s"], ["r"], name="third")],
                 [value("x", FLOAT, 4), value("t", TensorProto.STRING, 2)], [value("hidden", FLOAT), value("b", FLOAT)])


def embedding():
    """An index into a table of five rows, and a mask."""
    table = np.arange(20, dtype=np.float32).reshape(5, 4)
    return model([helper.make_node("Gather", ["table", "ids"], ["rows"], name="lookup"),
                  helper.make_node("Cast", ["mask"], ["m"], to=FLOAT), helper.make_node("Unsqueeze", ["m", "axis"], ["w"]),
                  helper.make_node("Mul", ["rows", "w"], ["y"])],
                 [value("ids", INT64, "B", "S"), value("mask", INT64, "B", "S")], [value("y", FLOAT, "B", "S", 4)],
                 [("table", table), ("axis", np.array([2], np.int64))])


def integers():
    """Integers and a boolean, which have to be exact, and a scalar."""
    return model([helper.make_node("Add", ["a", "one"], ["next"]), helper.make_node("Greater", ["a", "one"], ["more"]),
                  helper.make_node("ReduceSum", ["x"], ["total"], keepdims=0)],
                 [value("a", INT64, 3), value("x", FLOAT, 2, 3)],
                 [value("next", INT64, 3), value("more", BOOL, 3), value("total", FLOAT)],
                 [("one", np.array(1, np.int64))])


def chosen():
    """A branch that a run takes."""
    branches = [helper.make_graph([helper.make_node(op, ["x"], ["b"])], op, [], [value("b", FLOAT, "N")])
                for op in ("Exp", "Neg")]
    return model([helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])],
                 [value("x", FLOAT, "N"), value("c", BOOL)], [value("y", FLOAT, "N")])


def repeated():
    """A loop whose iterations a run counts, and a sequence of their results."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Add", ["s", "x"], ["t"], name="sum"),
         helper.make_node("SequenceInsert", ["q", "t"], ["r"], name="keep")], "body",
        [value("i", INT64), value("c", BOOL), value("s", FLOAT, "N"),
         helper.make_tensor_sequence_value_info("q", FLOAT, None)],
        [value("d", BOOL), value("t", FLOAT, "N"), helper.make_tensor_sequence_value_info("r", FLOAT, None)])
    return model([helper.make_node("SequenceEmpty", [], ["none"]),
                  helper.make_node("Loop", ["m", "", "x", "none"], ["y", "all"], body=body, name="loop")],
                 [value("x", FLOAT, "N"), value("m", INT64)],
                 [value("y", FLOAT, "N"), helper.make_tensor_sequence_value_info("all", FLOAT, None)])


def parts():
    """The rows of x as a sequence, with y before the last."""
    return model([helper.make_node("SplitToSequence", ["x"], ["rows"], keepdims=0),
                  helper.make_node("SequenceInsert", ["rows", "y", "at"], ["parts"], name="insert")],
                 [value("x", FLOAT, "N", 2), value("y", FLOAT, 2)],
                 [helper.make_tensor_sequence_value_info("parts", FLOAT, [2])], [("at", np.array(-1, np.int64))])


def join():
    """All parts as one tensor."""
    return model([helper.make_node("ConcatFromSequence", ["parts"], ["y"], axis=0)],
                 [helper.make_tensor_sequence_value_info("parts", FLOAT, ["N"])], [value("y", FLOAT, "M")])


def nonzero():
    """Extents that data decide, and a kernel that gets them."""
    return model([helper.make_node("NonZero", ["x"], ["i"]), helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
                  helper.make_node("Relu", ["f"], ["y"], name="act")],
                 [value("x", FLOAT, "N", 4)], [value("y", FLOAT, 2, "K")])


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        onnx.save(globals()[name](), folder / f"{name}.onnx")
