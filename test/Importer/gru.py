# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/any_length.onnx | FileCheck %s --check-prefix=ANY
# RUN: tenon-translate --onnx-to-graph %t/rows_first.onnx | FileCheck %s --check-prefix=ROWS
# RUN: tenon-translate --onnx-to-graph %t/short.onnx | FileCheck %s --check-prefix=SHORT
# RUN: not tenon-translate --onnx-to-graph %t/reset_first.onnx 2>&1 | FileCheck %s --check-prefix=FIRST
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def weights(directions=1):
    return [constant("w", np.ones((directions, 24, 4)), np.float32), constant("r", np.ones((directions, 24, 8)), np.float32),
            constant("b", np.ones((directions, 48)), np.float32)]


def gru(shape, directions=1, outputs=("y", "h"), **attributes):
    return model([node("GRU", ["x", "w", "r", "b", "n"], outputs, hidden_size=8, **attributes)],
                 [value("x", shape), value("n", ("N",), TensorProto.INT32)], [value(outputs[-1], None)], weights(directions))


@case
def any_length():
    return gru(("T", "N", 4), 2, linear_before_reset=1, direction="bidirectional", clip=0.5)


# The bias of the recurrence goes into the gates, but for the candidate's.
# ANY: %[[OWN:.+]] = graph.reshape {{.*}} -> tensor<2x8xf32>
# ANY: graph.concat {{.*}} -> tensor<2x3x8xf32>
# ANY: %[[G:.+]] = graph.reshape {{.*}} -> tensor<?x?x2x3x8xf32
# ANY: graph.gru %[[G]], %{{.+}} bias %[[OWN]] lengths %{{.+}} {activations = ["Sigmoid", "Tanh"]{{.*}}clip = 5.0{{.*}}direction = "both"


@case
def rows_first():
    return gru(("N", "T", 4), linear_before_reset=1, layout=1, outputs=("y",))


# ROWS: %[[Y:.+]], %{{.+}} = graph.gru
# ROWS: graph.transpose %[[Y]] {perm = array<i64: 2, 0, 1, 3>}


@case
def short():
    return gru((3, "N", 4), linear_before_reset=1)


# SHORT-NOT: graph.gru
# SHORT-COUNT-3: graph.tanh


@case
def reset_first():
    return gru(("T", "N", 4))


# FIRST: TN1202: {{.*}}the sequence must have a constant length of at most 512 steps unless linear_before_reset is 1

write_cases()
