# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/chain.onnx | FileCheck %s --check-prefix=CHAIN
# RUN: tenon-translate --onnx-to-graph %t/clip_attributes.onnx | FileCheck %s --check-prefix=CLIP
# RUN: tenon-translate --onnx-to-graph %t/clip_one_bound.onnx | FileCheck %s --check-prefix=CLIP1
# RUN: tenon-translate --onnx-to-graph %t/legacy_broadcast.onnx | FileCheck %s --check-prefix=LEGACY
# RUN: tenon-translate --onnx-to-graph %t/variadic.onnx | FileCheck %s --check-prefix=VARIADIC
# RUN: tenon-translate --onnx-to-graph %t/attributes.onnx | FileCheck %s --check-prefix=ATTR
# RUN: tenon-translate --onnx-to-graph %t/pow_integer.onnx | FileCheck %s --check-prefix=POW
# RUN: tenon-translate --onnx-to-graph %t/dropout.onnx | FileCheck %s --check-prefix=DROPOUT
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def chain():
    return model([node("Add", ["x", "b"], ["s"]), node("Greater", ["s", "x"], ["g"]), node("Where", ["g", "s", "x"], ["y"])],
                 [value("x", ("N", 4)), value("b", (1, 4))])


# CHAIN: %[[S:.+]] = graph.add %[[X:.+]], %{{.+}} -> tensor<?x4xf32, #graph.shape<[N, 4]>>
# CHAIN: %[[G:.+]] = graph.greater %[[S]], %[[X]] : {{.*}} -> tensor<?x4xi1,
# CHAIN: graph.where %[[G]], %[[S]], %[[X]]


@case
def clip_attributes():
    return model([node("Clip", ["x"], ["y"], min=0.0, max=6.0)], opset=6)


# CLIP: %[[LOW:.+]] = graph.constant dense<0.000000e+00> : tensor<f32>
# CLIP: %[[HIGH:.+]] = graph.constant dense<6.000000e+00> : tensor<f32>
# CLIP: %[[M:.+]] = graph.max %{{.+}}, %[[LOW]]
# CLIP: graph.min %[[M]], %[[HIGH]]


@case
def clip_one_bound():
    return model([node("Clip", ["x", "", "high"], ["y"])], initializers=[constant("high", 6.0, np.float32)])


# CLIP1-NOT: graph.max
# CLIP1: graph.min


@case
def legacy_broadcast():
    return model([node("Add", ["x", "b"], ["y"], broadcast=1, axis=1)], [value("x", (2, 3, 4)), value("b", (3,))], opset=6)


# LEGACY: %[[B:.+]] = graph.reshape %{{.+}} : tensor<3xf32> -> tensor<3x1xf32>
# LEGACY: graph.add %{{.+}}, %[[B]]


@case
def variadic():
    return model([node("Max", ["x", "x", "x"], ["m"]), node("Mean", ["m", "x"], ["y"])])


# VARIADIC-COUNT-2: graph.max
# VARIADIC: graph.add
# VARIADIC: graph.div


@case
def attributes():
    return model([node("LeakyRelu", ["x"], ["a"]), node("HardSigmoid", ["a"], ["y"], alpha=0.5)])


# ATTR: graph.leaky_relu %{{.+}} {alpha = 0.00999{{.*}}}
# ATTR: graph.hard_sigmoid %{{.+}} {alpha = 5.000000e-01 : f64, beta = 5.000000e-01 : f64}


@case
def pow_integer():
    return model([node("Pow", ["x", "e"], ["y"])], [value("x", (3,), INT64)], [value("y", None, INT64)],
                 [constant("e", 2.0, np.float32)])


# POW: graph.pow %{{.+}}, %{{.+}} : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>


@case
def dropout():
    return model([node("Dropout", ["x"], ["y", "mask"])], outputs=[value("y", None), value("mask", None, BOOL)])


# DROPOUT: func.func @main(%[[X:.+]]: tensor
# DROPOUT: %[[MASK:.+]] = graph.expand %{{.+}} : tensor<i1> -> tensor<?x4xi1, #graph.shape<[N, 4]>>
# DROPOUT: return %[[X]], %[[MASK]]

write_cases()
