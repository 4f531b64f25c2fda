"""Writes what digit_networks.py describes as an ONNX model: the methods of a Tape, with its trained arrays."""
from onnx import TensorProto

import make_models


class OnnxBuilder:
    """Methods take and give names of values; `state` is that of the Tape."""

    OPSET = 21

    def __init__(self, name, state):
        self.graph, self.state = make_models.Graph(name, self.OPSET), state

    def input(self, name, *shape):
        return self.graph.input(name, TensorProto.FLOAT, list(shape))

    def model(self, value, name, *shape):
        self.graph.output(value, name, TensorProto.FLOAT, list(shape))
        return self.graph.model()

    def weight(self, name, shape=None, scale=0.0, offset=0.0):
        return self.graph.init(self.state[name], name)

    def flat(self, name):
        return self.graph.init(self.state[name].reshape(-1), name)

    def matmul(self, a, b):
        return self.graph.op("MatMul", a, b)

    def add(self, a, b):
        return self.graph.op("Add", a, b)

    def scale(self, x, factor):
        return self.graph.op("Mul", x, self.graph.const(factor))

    def relu(self, x):
        return self.graph.op("Relu", x)

    def gelu(self, x):
        return self.graph.op("Gelu", x, approximate="tanh")

    def softmax(self, x):
        return self.graph.op("Softmax", x, axis=-1)

    def reshape(self, x, *shape):
        return self.graph.op("Reshape", x, self.graph.ints(*shape))

    def transpose(self, x, *order):
        return self.graph.op("Transpose", x, perm=list(order))

    def mean(self, x, *axes):
        return self.graph.op("ReduceMean", x, self.graph.ints(*axes), keepdims=0)

    def conv(self, x, name, channels, size):
        return self.graph.op("Conv", x, self.weight(f"{name}.w"), kernel_shape=[size, size], pads=[size // 2] * 4)

    def max_pool(self, x):
        return self.graph.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])

    def layer_norm(self, x, name):
        return self.graph.op("LayerNormalization", x, self.weight(f"{name}.gain"), self.weight(f"{name}.bias"), axis=-1,
                             epsilon=1e-5)

    def batch_norm(self, x, name):
        arrays = [self.flat(f"{name}.{part}") for part in ("gain", "bias", "mean", "variance")]
        return self.graph.op("BatchNormalization", x, *arrays, epsilon=1e-5)

    def linear(self, x, name, width):
        return self.add(self.matmul(x, self.weight(f"{name}.w")), self.weight(f"{name}.b"))
