# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/reshape.onnx | FileCheck %s --check-prefix=RESHAPE
# RUN: tenon-translate --onnx-to-graph %t/reduce.onnx | FileCheck %s --check-prefix=REDUCE
# RUN: tenon-translate --onnx-to-graph %t/data.onnx | FileCheck %s --check-prefix=DATA
# RUN: tenon-translate --onnx-to-graph %t/float_range.onnx | FileCheck %s --check-prefix=RANGE
# RUN: tenon-translate --onnx-to-graph %t/fourier_axis.onnx | FileCheck %s --check-prefix=AXIS
# RUN: tenon-translate --onnx-to-graph %t/named_like_an_element.onnx | FileCheck %s --check-prefix=NAMED
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def reshape():
    """An element below 0 is what the others leave."""
    return model([node("Reshape", ["x", "s"], ["y"], allowzero=1)], [value("x", (6,)), value("s", (1,), INT64)])


# RESHAPE: graph.reshape %{{.+}} : tensor<6xf32> -> tensor<?xf32, {{.*}}min(1, max(0, -1 * "element:1:0"))


@case
def reduce():
    """A dimension is split into one that stays and one that is reduced."""
    return model([node("ReduceSum", ["x", "axes"], ["y"])], [value("x", (4,)), value("axes", (1,), INT64)])


# REDUCE: %[[SPLIT:.+]] = graph.reshape %{{.+}} : tensor<4xf32> -> tensor<?x?xf32
# REDUCE: %[[SUM:.+]] = graph.reduce_sum %[[SPLIT]] {axes = array<i64: 1>, keepdims = false}
# REDUCE: return %[[SUM]]


@case
def float_range():
    """Floats count in units of 2^-32."""
    return model([node("Range", ["a", "b", "c"], ["y"])], [value(name, ()) for name in "abc"])


# RANGE: graph.range <0> step 1 : tensor<?xf32, {{.*}}floordiv "element:2:0"
# RANGE: graph.mul %{{.+}}, %arg2
# RANGE: graph.add %{{.+}}, %arg0


@case
def fourier_axis():
    """The dimensions around the axis are one each."""
    return model([node("DFT", ["x", "", "axis"], ["y"])], [value("x", (2, 8, 6, 1)), value("axis", (), INT64)], opset=20)


# AXIS: graph.reshape %{{.+}} : tensor<2x8x6x1xf32> -> tensor<?x?x?x1xf32
# AXIS: graph.dft
# AXIS: graph.reshape %{{.+}} -> tensor<?x?x?x2xf32


@case
def data():
    """Integers that no shape depends on are data."""
    return model([node("Add", ["s", "s"], ["y"])], [value("s", (2,), INT64)], [value("y", None, INT64)])


# DATA: graph.add %arg0, %arg0


@case
def named_like_an_element():
    """A dimension may have any name; it is no element for that."""
    return model([node("Relu", ["x"], ["y"])], [value("x", ("element:0:0",))])


# NAMED: graph.shape<[d0]>

write_cases()
