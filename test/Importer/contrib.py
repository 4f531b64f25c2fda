# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/fast_gelu.onnx | FileCheck %s --check-prefix=GELU
# RUN: tenon-translate --onnx-to-graph %t/skip_norm.onnx | FileCheck %s --check-prefix=SKIP
# RUN: tenon-translate --onnx-to-graph %t/skip_rms.onnx | FileCheck %s --check-prefix=RMS
# RUN: tenon-translate --onnx-to-graph %t/fused_product.onnx | FileCheck %s --check-prefix=PRODUCT
# RUN: tenon-translate --onnx-to-graph %t/quantised_lstm.onnx | FileCheck %s --check-prefix=LSTM
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def contrib(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, name="n", domain="com.microsoft", **attributes)


@case
def fast_gelu():
    return model([contrib("FastGelu", ["x", "b"], ["y"])], initializers=[constant("b", [1, 2, 3, 4], np.float32)],
                 domains=["com.microsoft"])


# The bias is added first.
# GELU: %[[X:.+]] = graph.add
# GELU: graph.mul %[[X]], %[[X]]
# GELU: graph.tanh


@case
def skip_norm():
    """The sum is a result of its own."""
    return model([contrib("SkipLayerNormalization", ["x", "s", "g", "b", "c"], ["y", "", "", "t"], epsilon=0.5)],
                 [value("x"), value("s")], [value("y", None), value("t", None)],
                 [constant(n, [1, 2, 3, 4], np.float32) for n in "gbc"], domains=["com.microsoft"])


# SKIP: %[[SUM:.+]] = graph.add
# SKIP: %[[ALL:.+]] = graph.add %[[SUM]]
# SKIP: %[[Y:.+]] = graph.layer_normalization %[[ALL]], {{.*}}epsilon = 5.0{{.*}}
# SKIP: return %[[Y]], %[[ALL]]


@case
def skip_rms():
    return model([contrib("SkipSimplifiedLayerNormalization", ["x", "s", "g"], ["y"])], [value("x"), value("s")],
                 initializers=[constant("g", [1, 2, 3, 4], np.float32)], domains=["com.microsoft"])


# RMS: %[[SUM:.+]] = graph.add
# RMS: graph.rms_normalization %[[SUM]]


@case
def fused_product():
    return model([contrib("FusedMatMul", ["x", "w"], ["y"], transA=1, transB=1, alpha=0.5)], [value("x", ("B", "M", 4))],
                 initializers=[constant("w", np.ones((3, 5)), np.float32)], domains=["com.microsoft"])


# PRODUCT: %[[T:.+]] = graph.transpose %{{.+}} {perm = array<i64: 0, 2, 1>}
# PRODUCT: %[[P:.+]] = graph.matmul %[[T]], %{{.+}} {transpose_w}
# PRODUCT: graph.mul %[[P]]


@case
def quantised_lstm():
    weights = [constant("w", np.ones((1, 4, 32)), np.int8), constant("r", np.ones((1, 8, 32)), np.int8),
               constant("ws", np.ones((1, 32)), np.float32), constant("wz", np.zeros((1, 32)), np.int8),
               constant("rs", np.ones(1), np.float32), constant("rz", np.zeros(1), np.int8)]
    return model([contrib("DynamicQuantizeLSTM", ["x", "w", "r", "", "", "", "", "", "ws", "wz", "rs", "rz"], ["y"],
                          hidden_size=8)], [value("x", ("T", "N", 4))], initializers=weights, domains=["com.microsoft"])


# LSTM: graph.transpose {{.*}} -> tensor<1x32x4xf32>
# LSTM: graph.transpose {{.*}} -> tensor<1x32x8xf32>
# LSTM: graph.lstm


write_cases()
