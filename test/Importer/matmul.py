# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/gemm.onnx | FileCheck %s --check-prefix=GEMM
# RUN: tenon-translate --onnx-to-graph %t/gemm_scaled.onnx | FileCheck %s --check-prefix=SCALED
# RUN: tenon-translate --onnx-to-graph --mlir-print-debuginfo %t/gemm.onnx | FileCheck %s --check-prefix=LOC
# RUN: tenon-translate --onnx-to-graph %t/matmul.onnx | FileCheck %s --check-prefix=MATMUL
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def gemm():
    return model([node("Gemm", ["x", "w", "b"], ["y"], "fc1", transB=1)], [value("x", ("batch", 4))], [value("y", None)],
                 [constant("w", np.ones((3, 4)), np.float32), constant("b", np.ones(3), np.float32)])


# GEMM-LABEL: func.func @main
# GEMM-SAME: (%[[X:.+]]: tensor<?x4xf32, #graph.shape<[batch, 4]>> {graph.name = "x"})
# GEMM-SAME: -> (tensor<?x3xf32, #graph.shape<[batch, 3]>> {graph.name = "y"})
# GEMM: %[[W:.+]] = graph.constant dense<1.000000e+00> : tensor<3x4xf32>
# GEMM: %[[B:.+]] = graph.constant dense<1.000000e+00> : tensor<3xf32>
# GEMM: %[[Y:.+]] = graph.matmul %[[X]], %[[W]] {transpose_w}
# GEMM: %[[R:.+]] = graph.add %[[Y]], %[[B]]
# GEMM: return %[[R]]

# LOC: graph.matmul {{.*}} loc(#[[FC1:.+]])
# LOC: graph.add {{.*}} loc(#[[FC1]])
# LOC: #[[FC1]] = loc("fc1")


@case
def gemm_scaled():
    return model([node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0, transA=1)], [value("x", (4, 2))], [value("y", None)],
                 [constant("w", np.ones((4, 3)), np.float32), constant("b", np.ones(3), np.float32)])


# SCALED: %[[XT:.+]] = graph.transpose %{{.+}} {perm = array<i64: 1, 0>}
# SCALED: %[[Y:.+]] = graph.matmul %[[XT]], %{{.+}} :
# SCALED: %[[HALF:.+]] = graph.constant dense<5.000000e-01>
# SCALED: %[[A:.+]] = graph.mul %[[Y]], %[[HALF]]
# SCALED: %[[TWO:.+]] = graph.constant dense<2.000000e+00>
# SCALED: %[[C:.+]] = graph.mul %{{.+}}, %[[TWO]]
# SCALED: graph.add %[[A]], %[[C]]


@case
def matmul():
    return model([node("MatMul", ["x", "w"], ["y"])], [value("x", ("B", 8, "S", 4)), value("w", (4, 3))])


# MATMUL: graph.matmul %{{.+}}, %{{.+}} : {{.*}} -> tensor<?x8x?x3xf32, #graph.shape<[B, 8, S, 3]>>

write_cases()
