# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/small_sums.onnx | tenon-opt -tenon-lower-quantized | FileCheck %s --check-prefix=SMALL
# RUN: tenon-translate --onnx-to-graph %t/large_sums.onnx | tenon-opt -tenon-lower-quantized | FileCheck %s --check-prefix=LARGE
# RUN: tenon-translate --onnx-to-graph %t/any_depth.onnx | tenon-opt -tenon-lower-quantized | FileCheck %s --check-prefix=ANY
# RUN: tenon-translate --onnx-to-graph %t/convolution.onnx | tenon-opt -tenon-lower-quantized | FileCheck %s --check-prefix=CONV
# RUN: tenon-translate --onnx-to-graph %t/large_convolution.onnx | tenon-opt -tenon-lower-quantized | FileCheck %s --check-prefix=WIDE
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403

UINT8, INT8, INT32 = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32
RESULT = [value("y", None, INT32)]


@case
def small_sums():
    """4096 steps, but of small weights: no sum leaves what f32 holds exactly."""
    return model([node("MatMulInteger", ["a", "b"], ["y"])], [value("a", ("M", 4096), UINT8)], RESULT,
                 initializers=[constant("b", np.ones((4096, 3)), np.int8)])


# SMALL: %[[P:.+]] = graph.matmul {{.*}} -> tensor<?x3xf32
# SMALL: graph.cast %[[P]] {{.*}} -> tensor<?x3xi32
# SMALL-NOT: graph.matmul


@case
def large_sums():
    """Operands that only a run knows: 258 steps of 255 * 255 are exact."""
    return model([node("MatMulInteger", ["a", "b"], ["y"])], [value("a", ("M", 500), UINT8), value("b", (500, "N"), UINT8)], RESULT)


# LARGE: graph.matmul {{.*}}tensor<?x258xf32
# LARGE: graph.matmul {{.*}}tensor<?x242xf32
# LARGE: graph.add {{.*}}xi32


@case
def any_depth():
    """Nothing bounds the sums."""
    return model([node("MatMulInteger", ["a", "b"], ["y"])], [value("a", ("M", "K"), UINT8), value("b", ("K", "N"), INT8)], RESULT)


# ANY: graph.matmul {{.*}} -> tensor<?x?xi32


@case
def convolution():
    return model([node("ConvInteger", ["x", "w", "z"], ["y"])], [value("x", ("N", 8, 9, 9), UINT8), value("z", (), UINT8)], RESULT,
                 initializers=[constant("w", np.full((4, 8, 3, 3), -128), np.int8)])


# CONV: %[[Y:.+]] = graph.conv {{.*}} -> tensor<?x4x7x7xf32
# CONV: graph.cast %[[Y]] {{.*}} -> tensor<?x4x7x7xi32


@case
def large_convolution():
    return model([node("ConvInteger", ["x", "w"], ["y"])], [value("x", ("N", 800, 9, 9), UINT8)], RESULT,
                 initializers=[constant("w", np.full((4, 800, 3, 3), -128), np.int8)])


# WIDE: graph.conv {{.*}} -> tensor<?x4x7x7xi32


write_cases()
