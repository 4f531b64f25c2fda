# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/gather_elements.onnx | FileCheck %s --check-prefix=ELEMENTS
# RUN: tenon-translate --onnx-to-graph %t/gather_nd.onnx | FileCheck %s --check-prefix=ND
# RUN: tenon-translate --onnx-to-graph %t/triangle.onnx | FileCheck %s --check-prefix=TRIANGLE
# RUN: tenon-translate --onnx-to-graph %t/einsum.onnx | FileCheck %s --check-prefix=EINSUM
# RUN: tenon-translate --onnx-to-graph %t/quantize.onnx | FileCheck %s --check-prefix=QUANTIZE
# RUN: tenon-translate --onnx-to-graph %t/transform.onnx | FileCheck %s --check-prefix=TRANSFORM
# RUN: tenon-translate --onnx-to-graph %t/long_transform.onnx | FileCheck %s --check-prefix=FOURIER
# RUN: tenon-translate --onnx-to-graph %t/sample.onnx | FileCheck %s --check-prefix=SAMPLE
# RUN: tenon-translate --onnx-to-graph %t/lrn.onnx | FileCheck %s --check-prefix=LRN
# RUN: not tenon-translate --onnx-to-graph %t/long_indices.onnx 2>&1 | FileCheck %s --check-prefix=LONG
# RUN: not tenon-translate --onnx-to-graph %t/einsum_labels.onnx 2>&1 | FileCheck %s --check-prefix=LABELS
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403

UINT8 = TensorProto.UINT8


@case
def gather_elements():
    return model([node("GatherElements", ["x", "i"], ["y"], axis=1)],
                 [value("x", ("N", 5)), value("i", ("N", 2), INT64)])


# The flat index is 5 * row + index.
# ELEMENTS: %[[I:.+]] = graph.where
# ELEMENTS: %[[F:.+]] = graph.add %[[I]], %{{.+}} : {{.*}} -> tensor<?x2xi64
# ELEMENTS: %[[X:.+]] = graph.reshape %arg0
# ELEMENTS: graph.gather %[[X]], %[[F]] {axis = 0 : i64}


@case
def long_indices():
    return model([node("GatherElements", ["x", "i"], ["y"], axis=0)], [value("x", (4, 5)), value("i", (4, 6), INT64)])


# LONG: TN1212{{.*}}indices have extent 6 in dimension 1, data 5


@case
def gather_nd():
    return model([node("GatherND", ["x", "i"], ["y"])], [value("x", (2, 3, "N")), value("i", (7, 2), INT64)])


# ND: %[[X:.+]] = graph.reshape %arg0 : {{.*}} -> tensor<6x?xf32
# ND: graph.gather %[[X]], %{{.+}} {axis = 0 : i64} : {{.*}} -> tensor<7x?xf32


@case
def triangle():
    return model([node("Trilu", ["x"], ["y"], upper=0)], [value("x", ("N", 4, 4))])


# TRIANGLE: %[[D:.+]] = graph.sub %{{.+}}, %{{.+}} : {{.*}} -> tensor<1x4x4xi64>
# TRIANGLE: %[[C:.+]] = graph.less_or_equal %[[D]]
# TRIANGLE: graph.where %[[C]], %arg0


@case
def einsum():
    return model([node("Einsum", ["x", "w"], ["y"], equation="bik,bkj->bij")],
                 [value("x", ("B", 3, 4)), value("w", ("B", 4, 5))])


# EINSUM: graph.matmul %arg0, %arg1 : {{.*}} -> tensor<?x3x5xf32


@case
def einsum_labels():
    return model([node("Einsum", ["x"], ["y"], equation="ij->ik")], [value("x", (3, 4))])


# LABELS: a label of the result is not one of the operands'


@case
def quantize():
    return model([node("QuantizeLinear", ["x", "s", "z"], ["y"])],
                 [value("x", (2, 3)), value("s", (3,)), value("z", (3,), UINT8)], [value("y", None, UINT8)], opset=21)


# QUANTIZE: graph.quantize %arg0, %arg1, %arg2 : {{.*}} -> tensor<2x3xui8>


@case
def transform():
    return model([node("STFT", ["x", "step", "", "length"], ["y"])], [value("x", ("N", "L", 1))], initializers=[
        constant("step", 4, np.int64), constant("length", 8, np.int64)])


# Cosines and sines are those of multiples of pi in f64, and summed in it.
# TRANSFORM: dense<[1.000000e+00, 0.70710678{{.*}}, 6.123{{.*}}E-17, -0.70710678{{.*}}, -1.000000e+00
# TRANSFORM: graph.reduce_sum %{{.+}} {{.*}} : tensor<?x?x5x8xf64
# TRANSFORM: graph.concat %{{.+}}, %{{.+}} {axis = 3 : i64} : {{.*}} -> tensor<?x?x5x2xf64


@case
def long_transform():
    """Of halves: a kernel of graph.dft computes in f32."""
    return model([node("DFT", ["x", "", "axis"], ["y"], onesided=1)], [value("x", ("N", "L", 1), TensorProto.FLOAT16)],
                 [value("y", None, TensorProto.FLOAT16)], [constant("axis", -2, np.int64)], opset=20)


# FOURIER: graph.dft %{{.+}} of <max(1, L)> {axis = 1 : i64, inverse = false, onesided = true}
# FOURIER-NEXT: graph.cast %{{.+}} : {{.*}} -> tensor<?x?x2xf16


@case
def sample():
    return model([node("GridSample", ["x", "g"], ["y"], mode="bilinear", padding_mode="zeros")],
                 [value("x", (1, 2, 4, 5)), value("g", (1, 3, 3, 2))])


# SAMPLE-COUNT-4: graph.gather %{{.+}}, %{{.+}} {axis = 0 : i64} : (tensor<40xf32>, tensor<1x2x3x3xi64>)
# SAMPLE-NOT: graph.gather


@case
def lrn():
    return model([node("LRN", ["x"], ["y"], size=4)], [value("x", ("N", 8, "H", "W"))])


# LRN: graph.average_pool %{{.+}} {{{.*}}count_include_pad = true{{.*}}kernel = array<i64: 4, 1>{{.*}}pads = array<i64: 1, 0, 2, 0>


write_cases()
