# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/bits.onnx | FileCheck %s --check-prefix=BITS
# RUN: tenon-translate --onnx-to-graph %t/functions.onnx | FileCheck %s --check-prefix=FUNCTIONS
# RUN: tenon-translate --onnx-to-graph %t/arg_max.onnx | FileCheck %s --check-prefix=ARG
# RUN: tenon-translate --onnx-to-graph %t/unsigned_sum.onnx | FileCheck %s --check-prefix=SUM
# RUN: tenon-translate --onnx-to-graph %t/running_sum.onnx | FileCheck %s --check-prefix=RUNNING
# RUN: tenon-translate --onnx-to-graph %t/pow_fraction.onnx | FileCheck %s --check-prefix=POW
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403

U8, I32 = TensorProto.UINT8, TensorProto.INT32


@case
def bits():
    return model([node("BitShift", ["x", "x"], ["a"], direction="LEFT"), node("BitwiseAnd", ["a", "x"], ["b"]),
                  node("BitwiseNot", ["b"], ["c"]), node("Mod", ["c", "x"], ["y"])], [value("x", ("N",), U8)],
                 [value("y", None, U8)], opset=18)


# BITS: graph.bit_shift %{{.+}}, %{{.+}} {left = true} : {{.*}} -> tensor<?xui8
# BITS: graph.bit_and
# BITS: graph.bit_not
# BITS: graph.mod %{{.+}}, %{{.+}} {fmod = false}


@case
def functions():
    names = ["Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Sign", "Softsign"]
    nodes = [node(k, ["x" if i == 0 else f"t{i}"], [f"t{i + 1}"]) for i, k in enumerate(names)]
    return model(nodes + [node("IsInf", ["t11"], ["y"], detect_negative=0), node("IsNaN", ["t11"], ["z"])],
                 outputs=[value("y", None, BOOL), value("z", None, BOOL)])


# FUNCTIONS: graph.tan
# FUNCTIONS: graph.asin
# FUNCTIONS: graph.acos
# FUNCTIONS: graph.atan
# FUNCTIONS: graph.sinh
# FUNCTIONS: graph.cosh
# FUNCTIONS: graph.asinh
# FUNCTIONS: graph.acosh
# FUNCTIONS: graph.atanh
# FUNCTIONS: graph.sign
# FUNCTIONS: graph.softsign
# FUNCTIONS: graph.is_inf %{{.+}} {detect_negative = false, detect_positive = true}
# FUNCTIONS: graph.is_nan


@case
def arg_max():
    return model([node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], [value("x", (3, "N"))], [value("y", None, INT64)])


# ARG: %[[M:.+]] = graph.reduce_max
# ARG: %[[E:.+]] = graph.equal %{{.+}}, %[[M]]
# ARG: %[[I:.+]] = graph.where %[[E]]
# ARG: graph.reduce_min %[[I]] {axes = array<i64: 1>, keepdims = false} : {{.*}} -> tensor<3xi64>


@case
def unsigned_sum():
    return model([node("ReduceMax", ["x"], ["y"])], [value("x", (3, "N"), U8)], [value("y", None, U8)])


# SUM: graph.cast %{{.+}} -> tensor<3x?xi32
# SUM: graph.reduce_max
# SUM: graph.cast %{{.+}} -> tensor<1x1xui8>


@case
def running_sum():
    return model([node("CumSum", ["x", "a"], ["y"], reverse=1)], initializers=[constant("a", -1, np.int64)])


# RUNNING: graph.cumsum %{{.+}} {axis = 1 : i64, exclusive = false, reverse = true}


@case
def pow_fraction():
    """Rounding must not truncate 9^0.5 to 2."""
    return model([node("Pow", ["x", "e"], ["y"])], [value("x", ("N",), I32)], [value("y", None, I32)],
                 [constant("e", 0.5, np.float32)])


# POW: graph.cast %{{.+}} -> tensor<?xf32
# POW: graph.pow
# POW: graph.mul
# POW: graph.cast %{{.+}} -> tensor<?xi32

write_cases()
