# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/negative.onnx | FileCheck %s --check-prefix=NEGATIVE
# RUN: tenon-translate --onnx-to-graph %t/to_end.onnx | FileCheck %s --check-prefix=TOEND
# RUN: tenon-translate --onnx-to-graph %t/reverse.onnx | FileCheck %s --check-prefix=REVERSE
# RUN: tenon-translate --onnx-to-graph %t/attributes.onnx | FileCheck %s --check-prefix=ATTR
# RUN: tenon-translate --onnx-to-graph %t/split.onnx | FileCheck %s --check-prefix=SPLIT
# RUN: tenon-translate --onnx-to-graph %t/split_uneven.onnx | FileCheck %s --check-prefix=UNEVEN
# RUN: tenon-translate --onnx-to-graph %t/negative_pad.onnx | FileCheck %s --check-prefix=PAD
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def sliced(shape, starts, ends, steps, opset=17):
    return model([node("Slice", ["x", "s", "e", "a", "p"], ["y"])], [value("x", shape)], opset=opset,
                 initializers=[ints("s", *starts), ints("e", *ends), ints("a", *range(len(starts))), ints("p", *steps)])


@case
def negative():
    return sliced((10, 10), (-3, -100), (-1, 4), (1, 1))


# NEGATIVE: graph.slice %{{.+}} from <[7, 0]> {steps = array<i64: 1, 1>} : tensor<10x10xf32> -> tensor<2x4xf32>


@case
def to_end():
    return sliced(("N", "M"), (2, 0), (np.iinfo(np.int64).max, -1), (1, 1))


# TOEND: graph.slice %{{.+}} from <[min(2, N), 0]> {{.*}} #graph.shape<[max(0, N + -2), max(0, M + -1)]>>


@case
def reverse():
    return sliced((5, 7), (-1, 5), (np.iinfo(np.int64).min, 0), (-1, -2))


# REVERSE: graph.slice %{{.+}} from <[4, 5]> {steps = array<i64: -1, -2>} : tensor<5x7xf32> -> tensor<5x3xf32>


@case
def attributes():
    return model([node("Slice", ["x"], ["y"], starts=[1], ends=[3], axes=[1])], opset=9)


# ATTR: graph.slice %{{.+}} from <[0, 1]> {{.*}} -> tensor<?x2xf32, #graph.shape<[N, 2]>>


@case
def split():
    return model([node("Split", ["x", "sizes"], ["y", "z"], axis=1)], outputs=[value("y", None), value("z", None)],
                 initializers=[ints("sizes", 1, 3)])


# SPLIT: graph.slice %{{.+}} from <[0, 0]> {{.*}} #graph.shape<[N, 1]>>
# SPLIT: graph.slice %{{.+}} from <[0, 1]> {{.*}} #graph.shape<[N, 3]>>


@case
def split_uneven():
    return model([node("Split", ["x"], ["y", "z"], num_outputs=2)], [value("x", (7,))],
                 [value("y", None), value("z", None)], opset=18)


# UNEVEN: graph.slice {{.*}} -> tensor<4xf32>
# UNEVEN: graph.slice %{{.+}} from <[4]> {{.*}} -> tensor<3xf32>


@case
def negative_pad():
    return model([node("Pad", ["x", "p"], ["y"])], [value("x", (4, 4))], initializers=[ints("p", 1, -1, 0, -1)])


# PAD: %[[CUT:.+]] = graph.slice %{{.+}} from <[0, 1]> {{.*}} -> tensor<4x2xf32>
# PAD: graph.pad %[[CUT]] {begins = array<i64: 1, 0>, ends = array<i64: 0, 0>, mode = "constant", value = 0.000000e+00 : f64}

write_cases()
