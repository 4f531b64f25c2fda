# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/conv_same.onnx | FileCheck %s --check-prefix=SAME
# RUN: tenon-translate --onnx-to-graph %t/conv_same_dynamic.onnx | FileCheck %s --check-prefix=DYNAMIC
# RUN: tenon-translate --onnx-to-graph %t/pools.onnx | FileCheck %s --check-prefix=POOLS
# RUN: tenon-translate --onnx-to-graph %t/conv_transpose.onnx | FileCheck %s --check-prefix=TRANSPOSE
# RUN: tenon-translate --onnx-to-graph %t/batch_norm.onnx | FileCheck %s --check-prefix=BATCH
# RUN: tenon-translate --onnx-to-graph %t/softmax_flattens.onnx | FileCheck %s --check-prefix=SOFTMAX
# RUN: tenon-translate --onnx-to-graph %t/resize_scales.onnx | FileCheck %s --check-prefix=SCALES
# RUN: tenon-translate --onnx-to-graph %t/resize_sizes.onnx | FileCheck %s --check-prefix=SIZES
# RUN: tenon-translate --onnx-to-graph %t/upsample.onnx | FileCheck %s --check-prefix=UPSAMPLE
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def weights(*shape):
    return constant("w", np.ones(shape), np.float32)


@case
def conv_same():
    return model([node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])], [value("x", ("N", 3, 7, 8))],
                 initializers=[weights(4, 3, 3, 3)])


# SAME: graph.conv {{.*}}dilations = array<i64: 1, 1>, group = 1 : i64, pads = array<i64: 1, 0, 1, 1>, strides = array<i64: 2, 2>
# SAME-SAME: -> tensor<?x4x4x4xf32, #graph.shape<[N, 4, 4, 4]>>


@case
def conv_same_dynamic():
    """With stride 1 the padding does not depend on the extent."""
    return model([node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER")], [value("x", ("N", 3, "H", "W"))],
                 initializers=[weights(4, 3, 2, 2)])


# DYNAMIC: graph.conv {{.*}}pads = array<i64: 1, 1, 0, 0>{{.*}} -> tensor<?x4x?x?xf32, #graph.shape<[N, 4, H, W]>>


@case
def pools():
    return model([node("MaxPool", ["x"], ["m"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
                  node("AveragePool", ["m"], ["a"], kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
                  node("GlobalAveragePool", ["a"], ["y"])], [value("x", ("N", 3, 32, 32))])


# POOLS: graph.max_pool %{{.+}} {ceil_mode = true, {{.*}} #graph.shape<[N, 3, 16, 16]>>
# POOLS: graph.average_pool %{{.+}} {{{.*}}count_include_pad = true
# POOLS: graph.reduce_mean %{{.+}} {axes = array<i64: 2, 3>, keepdims = true} {{.*}} #graph.shape<[N, 3, 1, 1]>>


@case
def conv_transpose():
    return model([node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_shape=[16, 16])],
                 [value("x", (1, 3, 8, 8))], initializers=[weights(3, 4, 3, 3)])


# TRANSPOSE: graph.conv_transpose {{.*}}pads = array<i64: 1, 1, 0, 0>{{.*}} -> tensor<1x4x16x16xf32>


@case
def batch_norm():
    vectors = [constant(name, np.ones(3), np.float32) for name in "sbmv"]
    return model([node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], epsilon=0.5)], [value("x", ("N", 3, 5))],
                 initializers=vectors, opset=9)


# BATCH: graph.batch_normalization {{.*}} {epsilon = 5.000000e-01 : f64}


@case
def softmax_flattens():
    return model([node("Softmax", ["x"], ["y"])], [value("x", ("N", 3, 5))], opset=11)


# SOFTMAX: %[[M:.+]] = graph.reshape %{{.+}} -> tensor<?x15xf32, #graph.shape<[N, 15]>>
# SOFTMAX: %[[S:.+]] = graph.softmax %[[M]] {axis = 1 : i64}
# SOFTMAX: graph.reshape %[[S]] {{.*}} -> tensor<?x3x5xf32, #graph.shape<[N, 3, 5]>>


@case
def resize_scales():
    return model([node("Resize", ["x", "", "s"], ["y"], coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
                 [value("x", (1, 3, "H", "W"))], initializers=[constant("s", (1, 1, 2, 0.5), np.float32)])


# SCALES: graph.resize %{{.+}} {coordinates = "asymmetric", mode = "nearest", rounding = "floor", scales = array<f64: 1.000000e+00, 1.000000e+00, 2.000000e+00, 5.000000e-01>}
# SCALES-SAME: #graph.shape<[1, 3, 2 * H, W floordiv 2]>>


@case
def resize_sizes():
    return model([node("Shape", ["z"], ["s"]), node("Resize", ["x", "", "", "s"], ["y"], mode="linear")],
                 [value("x", (1, 3, 8, 8)), value("z", (1, 3, "H", "W"))])


# SIZES: graph.resize %{{.+}} {coordinates = "half_pixel", mode = "linear", rounding = "round_prefer_floor"}
# SIZES-SAME: #graph.shape<[1, 3, H, W]>>


@case
def upsample():
    return model([node("Upsample", ["x"], ["y"], scales=[1.0, 1.0, 2.0, 3.0])], [value("x", (1, 1, 4, 4))], opset=7)


# UPSAMPLE: graph.resize %{{.+}} {coordinates = "asymmetric", mode = "nearest", rounding = "floor"{{.*}} -> tensor<1x1x8x12xf32>

write_cases()
