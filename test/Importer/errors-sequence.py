# RUN: %python %s
"""What the rules of recurrences, attention and the elementwise families refuse, by code and reason."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def lstm(w=(1, 32, 4), r=(1, 32, 8), more=(), extra=(), **attributes):
    """An LSTM of 8 units on x [T, N, 4]; `more` are shapes of further operands after R."""
    names = [f"o{i}" for i in range(len(more))]
    tensors = [constant(n, np.ones(s), np.float32) for n, s in zip(["w", "r", *names], [w, r, *more])]
    return model([node("LSTM", ["x", "w", "r", *names, *extra], ["y"], **{"hidden_size": 8, **attributes})],
                 [value("x", ("T", "N", 4))], None, tensors)


@refused("TN1211", "hidden_size differs from the extents of R, 8")
def hidden_size():
    return lstm(hidden_size=9)


@refused("TN1212", "W and R must be [directions, 4 hidden_size, ..]")
def rows_of_weights():
    return lstm(w=(1, 24, 4))


@refused("TN1212", "B must be [directions, 8 hidden_size]")
def bias():
    return lstm(more=[(1, 32)])


@refused("TN1211", "direction 'bidirectional' does not fit weights of 1 directions")
def direction():
    return lstm(direction="bidirectional")


@refused("TN1211", "the activation 'Step' is unknown")
def activation():
    return lstm(activations=["Sigmoid", "Step", "Tanh"])


@refused("TN1202", "activations must be the same for both directions")
def activations_of_directions():
    return lstm(w=(2, 32, 4), r=(2, 32, 8), direction="bidirectional",
                activations=["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Relu", "Tanh"])


def attention(q, k, **attributes):
    return model([node("Attention", ["q", "k", "k"], ["y"], **attributes)], [value("q", q), value("k", k)], opset=23,
                 ir_version=11)


@refused("TN1211", "5 heads do not divide the last dimension")
def heads():
    return attention(("B", "S", 64), ("B", "T", 64), q_num_heads=5, kv_num_heads=4)


@refused("TN1212", "the constant number of heads of k must divide that of q")
def shared_heads():
    return attention((1, 4, "S", 8), (1, 3, "T", 8))


@refused("TN1212", "the angles must be half of the rotated elements")
def angles():
    tables = [constant(n, np.ones((9, 3)), np.float32) for n in ("c", "s")]
    return model([node("RotaryEmbedding", ["x", "c", "s", "p"], ["y"])],
                 [value("x", ("B", 2, "S", 8)), value("p", ("B", "S"), INT64)], None, tables, opset=23, ir_version=11)


@refused("TN1211", "fmod must be 1 for floating-point operands")
def mod_of_floats():
    return model([node("Mod", ["x", "x"], ["y"])])


@refused("TN1203", "'a') is computed from run-time data")
def cumsum_axis():
    return model([node("CumSum", ["x", "a"], ["y"])], [value("x"), value("a", ("K",), INT64)])


@refused("TN1204", "not supported for element type 'ui64'")
def largest_of_64_bits():
    return model([node("ReduceMax", ["x"], ["y"])], [value("x", ("N",), TensorProto.UINT64)],
                 [value("y", None, TensorProto.UINT64)])


check_refusals()
