# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/flatten_by_shape.onnx | FileCheck %s --check-prefix=FLATTEN
# RUN: tenon-translate --onnx-to-graph %t/split_heads.onnx | FileCheck %s --check-prefix=HEADS
# RUN: tenon-translate --onnx-to-graph %t/runtime_use.onnx | FileCheck %s --check-prefix=USE
# RUN: tenon-translate --onnx-to-graph %t/range_of_extent.onnx | FileCheck %s --check-prefix=RANGE
# RUN: tenon-translate --onnx-to-graph %t/expand_where.onnx | FileCheck %s --check-prefix=EXPAND
# RUN: tenon-translate --onnx-to-graph %t/unnamed.onnx | FileCheck %s --check-prefix=UNNAMED
# RUN: tenon-translate --onnx-to-graph %t/float_arithmetic.onnx | FileCheck %s --check-prefix=FLOAT
# RUN: tenon-translate --onnx-to-graph %t/reversed_pads.onnx | FileCheck %s --check-prefix=PADS
# RUN: tenon-translate --onnx-to-graph %t/extent_as_condition.onnx | FileCheck %s --check-prefix=CONDITION
# RUN: tenon-translate --onnx-to-graph %t/guarded_squeeze.onnx | FileCheck %s --check-prefix=GUARDED
# RUN: tenon-translate --onnx-to-graph %t/other_guard.onnx | FileCheck %s --check-prefix=OTHER
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def flatten_by_shape():
    """Reshape to [Shape(x)[0], -1]."""
    return model([node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Unsqueeze", ["n", "axes"], ["n1"]),
                  node("Concat", ["n1", "rest"], ["t"], axis=0), node("Reshape", ["x", "t"], ["y"])],
                 [value("x", ("N", 3, "H", "W"))],
                 initializers=[constant("zero", 0, np.int64), ints("axes", 0), ints("rest", -1)])


# FLATTEN-NOT: graph.dims
# FLATTEN: graph.reshape %{{.+}} -> tensor<?x?xf32, #graph.shape<[N, 3 * H * W]>>
# FLATTEN-NOT: = graph.


@case
def split_heads():
    """0 copies an extent, and -1 next to it is divided exactly."""
    return model([node("Reshape", ["x", "t"], ["y"])], [value("x", ("B", "S", 64))], initializers=[ints("t", 0, 0, -1, 8)])


# HEADS: graph.reshape %{{.+}} -> tensor<?x?x8x8xf32, #graph.shape<[B, S, 8, 8]>>


@case
def runtime_use():
    """A count that is also data becomes graph.dims."""
    return model([node("Size", ["x"], ["n"]), node("Cast", ["n"], ["f"], to=FLOAT), node("Div", ["x", "f"], ["y"])])


# USE: %[[N:.+]] = graph.dims <[4 * N]> : tensor<f32>
# USE: graph.div %{{.+}}, %[[N]]


@case
def range_of_extent():
    return model([node("Shape", ["x"], ["s"], end=1), node("Squeeze", ["s"], ["n"]), node("Range", ["a", "n", "d"], ["y"])],
                 outputs=[value("y", None, INT64)],
                 initializers=[constant("a", 1, np.int64), constant("d", 2, np.int64)])


# RANGE: graph.range <1> step 2 : tensor<?xi64, #graph.shape<[N floordiv 2]>>


@case
def expand_where():
    """PyTorch's expand: Where(shape == -1, ones, shape)."""
    return model([node("Shape", ["x"], ["s"]), node("Concat", ["three", "s"], ["t"], axis=0),
                  node("Equal", ["t", "minus"], ["e"]), node("ConstantOfShape", ["len"], ["ones"], value=ints("v", 1)),
                  node("Where", ["e", "ones", "t"], ["w"]), node("Expand", ["x", "w"], ["y"])],
                 initializers=[ints("three", 3), ints("minus", -1), ints("len", 3)])


# EXPAND: graph.expand %{{.+}} -> tensor<3x?x4xf32, #graph.shape<[3, N, 4]>>


@case
def unnamed():
    """Dimensions without a name get one that is free."""
    return model([node("Relu", ["x"], ["y"])], [value("x", (None, "d0", None))])


# UNNAMED: tensor<?x?x?xf32, #graph.shape<[d1, d0, d2]>>


@case
def float_arithmetic():
    """Extents stay exact through floats that hold integers."""
    return model([node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["f"], to=FLOAT), node("Mul", ["f", "two"], ["m"]),
                  node("Floor", ["m"], ["r"]), node("Cast", ["r"], ["t"], to=INT64),
                  node("ConstantOfShape", ["t"], ["y"])], initializers=[constant("two", 2.0, np.float32)])


# FLOAT: graph.expand %{{.+}} : tensor<f32> -> tensor<?x8xf32, #graph.shape<[2 * N, 8]>>

@case
def reversed_pads():
    """PyTorch lists pads from the last dimension on, (low, high) of each: pairs reversed, then transposed."""
    return model([node("Reshape", ["p", "pairs"], ["a"]), node("Slice", ["a", "last", "first", "zero", "back"], ["b"]),
                  node("Transpose", ["b"], ["c"], perm=[1, 0]), node("Reshape", ["c", "all"], ["d"]),
                  node("Cast", ["d"], ["e"], to=INT64), node("Pad", ["x", "e"], ["y"])], [value("x", ("N", 4))],
                 initializers=[ints("p", 1, 2, 0, 3), ints("pairs", -1, 2), ints("last", -1), ints("first", -9), ints("zero", 0),
                               ints("back", -1), ints("all", -1)])


# PADS: graph.pad {{.*}} -> tensor<?x7xf32, #graph.shape<[N + 3, 7]>>


@case
def extent_as_condition():
    """An If on whether a dimension is empty."""
    then = helper.make_graph([node("Neg", ["x"], ["t"])], "t", [], [value("t", None)])
    otherwise = helper.make_graph([node("Abs", ["x"], ["e"])], "e", [], [value("e", None)])
    return model([node("Shape", ["x"], ["s"], start=1), node("Squeeze", ["s"], ["n"]), node("Cast", ["n"], ["c"], to=BOOL),
                  node("If", ["c"], ["y"], then_branch=then, else_branch=otherwise)], [value("x", ("N", 4))])


# CONDITION: graph.neg
# CONDITION-NOT: graph.abs


def squeeze_or_identity(number):
    then = helper.make_graph([node("Constant", [], ["a"], value=ints("a", 1)), node("Squeeze", ["x", "a"], ["t"])], "t", [],
                             [value("t", None)])
    otherwise = helper.make_graph([node("Identity", ["x"], ["e"])], "e", [], [value("e", None)])
    return model([node("Shape", ["x"], ["s"], start=1), node("Squeeze", ["s"], ["n"]), node("Equal", ["n", "k"], ["c"]),
                  node("If", ["c"], ["y"], then_branch=then, else_branch=otherwise)], [value("x", ("N", "C"))],
                 initializers=[constant("k", number, np.int64)])


@case
def guarded_squeeze():
    """PyTorch's squeeze of an axis whose extent is no constant: its rank is what follows was written for."""
    return squeeze_or_identity(1)


# GUARDED: func.func @main
# GUARDED: graph.reshape {{.*}} -> tensor<?xf32, #graph.shape<[N]>>


@case
def other_guard():
    """Another condition stays one."""
    return squeeze_or_identity(2)


# OTHER: plan.script


write_cases()
