# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/bidirectional.onnx | FileCheck %s --check-prefix=BOTH
# RUN: tenon-translate --onnx-to-graph %t/full.onnx | FileCheck %s --check-prefix=FULL
# RUN: tenon-translate --onnx-to-graph %t/rows_first.onnx | FileCheck %s --check-prefix=ROWS
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def weights(directions, hidden=8, width=4):
    return [constant("w", np.ones((directions, 4 * hidden, width)), np.float32),
            constant("r", np.ones((directions, 4 * hidden, hidden)), np.float32),
            constant("b", np.ones((directions, 8 * hidden)), np.float32)]


@case
def bidirectional():
    return model([node("LSTM", ["x", "w", "r", "b"], ["y", "h", "c"], hidden_size=8, direction="bidirectional")],
                 [value("x", ("T", "N", 4))], [value("y", None), value("c", None)], weights(2))


# One product for every step and both directions.
# BOTH: %[[P:.+]] = graph.matmul %{{.+}}, %{{.+}} {transpose_w} : {{.*}} -> tensor<?x?x64xf32
# BOTH: %[[S:.+]] = graph.add %[[P]]
# BOTH: %[[G:.+]] = graph.reshape %[[S]] : {{.*}} -> tensor<?x?x2x4x8xf32
# BOTH: graph.lstm %[[G]], %{{.+}} {activations = ["Sigmoid", "Tanh", "Tanh"]{{.*}}direction = "both"


@case
def full():
    """Every operand; a cell state without a hidden one starts that from 0."""
    more = [constant("p", np.ones((1, 24)), np.float32)]
    return model([node("LSTM", ["x", "w", "r", "b", "n", "", "c0", "p"], ["", "", "y"], hidden_size=8, clip=0.5,
                       input_forget=1, direction="reverse", activations=["HardSigmoid", "Affine", "relu"],
                       activation_alpha=[0.3, 2.0], activation_beta=[0.4])],
                 [value("x", ("T", "N", 4)), value("n", ("N",), TensorProto.INT32), value("c0", (1, "N", 8))],
                 [value("y", None)], weights(1) + more)


# FULL: %[[ZERO:.+]] = graph.expand
# FULL: graph.lstm %{{.+}}, %{{.+}} initial %[[ZERO]], %{{.+}} lengths %{{.+}} peepholes %{{.+}} {
# FULL-SAME: activations = ["HardSigmoid", "Affine", "Relu"], alpha = array<f64: 0.3000{{[0-9]+}}, 2.000000e+00, 0.000000e+00>
# FULL-SAME: clip = 5.000000e-01 : f64, direction = "backward", input_forget = true


@case
def rows_first():
    return model([node("LSTM", ["x", "w", "r", "b"], ["y", "h"], hidden_size=8, layout=1)],
                 [value("x", ("N", "T", 4))], [value("y", None), value("h", None)], weights(1))


# ROWS: graph.transpose %{{.+}} {perm = array<i64: 1, 0, 2>}
# ROWS: %[[Y:.+]], %[[H:.+]], %{{.+}} = graph.lstm
# ROWS: graph.transpose %[[Y]] {perm = array<i64: 2, 0, 1, 3>}
# ROWS: graph.transpose %[[H]] {perm = array<i64: 1, 0, 2>}

write_cases()
