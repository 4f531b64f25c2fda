# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/past.onnx | FileCheck %s --check-prefix=PAST
# RUN: tenon-translate --onnx-to-graph %t/flat.onnx | FileCheck %s --check-prefix=FLAT
# RUN: tenon-translate --onnx-to-graph %t/scores.onnx | FileCheck %s --check-prefix=SCORES
# RUN: tenon-translate --onnx-to-graph %t/window.onnx | FileCheck %s --check-prefix=WINDOW
# RUN: tenon-translate --onnx-to-graph %t/rotary.onnx | FileCheck %s --check-prefix=ROTARY
# RUN: tenon-translate --onnx-to-graph %t/interleaved.onnx | FileCheck %s --check-prefix=PAIRS
# RUN: tenon-translate --onnx-to-graph %t/rms.onnx | FileCheck %s --check-prefix=RMS
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def attend(inputs, shapes, outputs=("y",), opset=23, **attributes):
    return model([node("Attention", inputs, outputs, **attributes)],
                 [value(n, s) for n, s in zip([i for i in inputs if i], shapes)], [value(o, None) for o in outputs if o],
                 opset=opset, ir_version=11)


HEADS = [("B", 4, "S", 16), ("B", 2, "S", 16), ("B", 2, "S", 16)]


@case
def past():
    return attend(["q", "k", "v", "", "pk", "pv"], HEADS + [("B", 2, "P", 16)] * 2, ["y", "nk", "nv"], is_causal=1)


# PAST: %[[K:.+]] = graph.concat %{{.+}}, %{{.+}} {axis = 2 : i64}
# PAST: %[[V:.+]] = graph.concat
# PAST: %[[Y:.+]] = graph.attention %{{.+}}, %[[K]], %[[V]] {causal_offset = #graph.dim<P>, scale = 2.500000e-01 : f64, softcap = 0.000000e+00 : f64}
# PAST: return %[[Y]], %[[K]], %[[V]]


@case
def flat():
    return attend(["q", "k", "v", "m"], [("B", "S", 64), ("B", "T", 32), ("B", "T", 32), ("S", "T")], q_num_heads=4,
                  kv_num_heads=2, scale=0.5, softcap=3.0)


# FLAT: %[[Q:.+]] = graph.transpose {{.*}} -> tensor<?x4x?x16xf32
# FLAT: %[[Y:.+]] = graph.attention %[[Q]], %{{.+}}, %{{.+}} mask %{{.+}} {scale = 5.000000e-01 : f64, softcap = 3.000000e+00 : f64}
# FLAT: %[[T:.+]] = graph.transpose %[[Y]]
# FLAT: graph.reshape %[[T]] : {{.*}} -> tensor<?x?x64xf32


@case
def scores():
    """The body ONNX defines serves who wants to see the scores."""
    return attend(["q", "k", "v"], HEADS, ["y", "", "", "s"])


# SCORES-NOT: graph.attention
# SCORES: graph.matmul
# SCORES: graph.softmax


@case
def window():
    return attend(["q", "k", "v"], HEADS, opset=25, left_window_size=2)


# WINDOW-NOT: graph.attention
# WINDOW: graph.softmax


def rotate(**attributes):
    tables = [constant(n, np.ones((9, 4)), np.float32) for n in ("c", "s")]
    return model([node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"], **attributes)],
                 [value("x", ("B", 2, "S", 8)), value("p", ("B", "S"), INT64)], None, tables, opset=23, ir_version=11)


@case
def rotary():
    return rotate()


# ROTARY: %[[G:.+]] = graph.gather
# ROTARY: %[[C:.+]] = graph.reshape %[[G]] : {{.*}} -> tensor<?x1x?x4xf32
# ROTARY: graph.rotary_embedding %{{.+}}, %[[C]], %{{.+}} : (tensor<?x2x?x8xf32


@case
def interleaved():
    return rotate(interleaved=1)


# PAIRS: graph.transpose %{{.+}} {perm = array<i64: 0, 1, 2, 4, 3>} : {{.*}} -> tensor<?x2x?x2x4xf32
# PAIRS: graph.rotary_embedding
# PAIRS: graph.transpose %{{.+}} {perm = array<i64: 0, 1, 2, 4, 3>} : {{.*}} -> tensor<?x2x?x4x2xf32


@case
def rms():
    return model([node("RMSNormalization", ["x", "w"], ["y"], epsilon=0.25)], [value("x", ("N", 4)), value("w", (4,))],
                 opset=23, ir_version=11)


# RMS: graph.rms_normalization %{{.+}}, %{{.+}} {axis = 1 : i64, epsilon = 2.500000e-01 : f64}

write_cases()
