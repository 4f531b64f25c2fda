"""Reverse-mode differentiation on numpy, with the dozen operators that the networks of digit_networks.py need.

A network is a function of a builder: a Tape trains it, an OnnxBuilder (onnx_builder.py) writes it as a model. Both have
the same methods. Weights are made when first asked for, from a seeded generator, and live in a dictionary.
"""
import numpy as np


class Var:
    """A value and, after Tape.backward, the gradient with respect to it."""

    def __init__(self, value):
        self.value, self.grad = value, None


def unbroadcast(grad, shape):
    """Sums a gradient over the axes along which its operand was broadcast."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 and grad.shape[i] != 1), keepdims=True)


def correlate(x, w):
    """[N, C, H, W] with [M, C, k, k], k odd, stride 1, same size."""
    half = w.shape[2] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (half, half), (half, half)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))
    n, c, height, width = x.shape
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
    return (columns @ w.reshape(len(w), -1).T).reshape(n, height, width, -1).transpose(0, 3, 1, 2), columns


class Tape:
    """Evaluates what is built and remembers how to go back. `state`: name -> array, weights and running statistics."""

    MOMENTUM = 0.9  # of the running statistics of batch normalisation

    def __init__(self, state, rng, training):
        self.state, self.rng, self.training = state, rng, training
        self.weights, self.steps = {}, []

    def array(self, name, shape, scale=0.0, offset=0.0):
        if name not in self.state:
            self.state[name] = (self.rng.standard_normal(shape) * scale + offset).astype(np.float32)
        return self.state[name]

    def weight(self, name, shape, scale=0.0, offset=0.0):
        return self.weights.setdefault(name, Var(self.array(name, shape, scale, offset)))

    def record(self, value, *edges):
        """`edges`: (operand, function from the gradient of the result to the operand's)."""
        out = Var(value)
        self.steps.append((out, edges))
        return out

    def backward(self, out, grad):
        out.grad = grad
        for var, edges in reversed(self.steps):
            for operand, rule in edges if var.grad is not None else ():
                part = rule(var.grad)
                operand.grad = part if operand.grad is None else operand.grad + part

    def matmul(self, a, b):
        def of_b(grad):
            if b.value.ndim == 2:
                return a.value.reshape(-1, a.value.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
            return a.value.swapaxes(-1, -2) @ grad
        return self.record(a.value @ b.value, (a, lambda grad: grad @ b.value.swapaxes(-1, -2)), (b, of_b))

    def add(self, a, b):
        return self.record(a.value + b.value, (a, lambda grad: unbroadcast(grad, a.value.shape)),
                           (b, lambda grad: unbroadcast(grad, b.value.shape)))

    def scale(self, x, factor):
        return self.record(x.value * np.float32(factor), (x, lambda grad: grad * np.float32(factor)))

    def relu(self, x):
        return self.record(np.maximum(x.value, 0), (x, lambda grad: grad * (x.value > 0)))

    def gelu(self, x):
        v, root = x.value, np.float32(np.sqrt(2 / np.pi))
        t = np.tanh(root * (v + np.float32(0.044715) * v * v * v))
        slope = 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * root * (1 + np.float32(3 * 0.044715) * v * v)
        return self.record(0.5 * v * (1 + t), (x, lambda grad: grad * slope))

    def softmax(self, x):
        e = np.exp(x.value - x.value.max(axis=-1, keepdims=True))
        y = e / e.sum(axis=-1, keepdims=True)
        return self.record(y, (x, lambda grad: y * (grad - (grad * y).sum(axis=-1, keepdims=True))))

    def reshape(self, x, *shape):
        """0 keeps the extent of that axis."""
        old = x.value.shape
        return self.record(x.value.reshape([n or old[i] for i, n in enumerate(shape)]),
                           (x, lambda grad: grad.reshape(old)))

    def transpose(self, x, *order):
        return self.record(x.value.transpose(order), (x, lambda grad: grad.transpose(np.argsort(order))))

    def mean(self, x, *axes):
        size = np.float32(np.prod([x.value.shape[a] for a in axes]))
        return self.record(x.value.mean(axis=axes), (x, lambda grad: np.broadcast_to(
            np.expand_dims(grad, axes) / size, x.value.shape)))

    def conv(self, x, name, channels, size):
        c = x.value.shape[1]
        w = self.weight(f"{name}.w", (channels, c, size, size), (2 / (c * size * size)) ** 0.5)
        y, columns = correlate(x.value, w.value)

        def of_w(grad):
            return (grad.transpose(1, 0, 2, 3).reshape(channels, -1) @ columns).reshape(w.value.shape)
        return self.record(y, (w, of_w), (x, lambda grad: correlate(
            grad, w.value.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])[0]))

    def max_pool(self, x):
        """2 x 2, stride 2."""
        n, c, height, width = x.value.shape
        blocks = x.value.reshape(n, c, height // 2, 2, width // 2, 2)
        y = blocks.max(axis=(3, 5), keepdims=True)
        return self.record(y[:, :, :, 0, :, 0], (x, lambda grad: (
            (blocks == y) * grad[:, :, :, None, :, None]).reshape(x.value.shape)))

    def normalised(self, x, axes, mean, variance, epsilon, gain, bias):
        """(x - mean) / sqrt(variance + epsilon) * gain + bias, where mean and variance are those of x over `axes`."""
        inverse = 1 / np.sqrt(variance + np.float32(epsilon))
        unit = (x.value - mean) * inverse

        def of_x(grad):
            grad = grad * gain.value
            return inverse * (grad - grad.mean(axis=axes, keepdims=True) -
                              unit * (grad * unit).mean(axis=axes, keepdims=True))
        return self.record(unit * gain.value + bias.value, (x, of_x),
                           (gain, lambda grad: unbroadcast(grad * unit, gain.value.shape)),
                           (bias, lambda grad: unbroadcast(grad, bias.value.shape)))

    def layer_norm(self, x, name):
        c = x.value.shape[-1]
        mean, variance = x.value.mean(axis=-1, keepdims=True), x.value.var(axis=-1, keepdims=True)
        return self.normalised(x, (-1,), mean, variance, 1e-5,
                               self.weight(f"{name}.gain", (c,), 0, 1), self.weight(f"{name}.bias", (c,)))

    def batch_norm(self, x, name):
        shape = (x.value.shape[1], 1, 1)
        mean, variance = self.array(f"{name}.mean", shape), self.array(f"{name}.variance", shape, 0, 1)
        if self.training:
            of_batch = x.value.mean(axis=(0, 2, 3))[:, None, None], x.value.var(axis=(0, 2, 3))[:, None, None]
            for running, now in zip((mean, variance), of_batch):
                running[:] = self.MOMENTUM * running + (1 - self.MOMENTUM) * now
            mean, variance = of_batch
        return self.normalised(x, (0, 2, 3), mean, variance, 1e-5, self.weight(f"{name}.gain", shape, 0, 1),
                               self.weight(f"{name}.bias", shape))

    def linear(self, x, name, width):
        c = x.value.shape[-1]
        product = self.matmul(x, self.weight(f"{name}.w", (c, width), c**-0.5))
        return self.add(product, self.weight(f"{name}.b", (width,)))
