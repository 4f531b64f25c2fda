"""Models of one or two operators that a machine with a GPU runs at many sizes. Needs numpy alone.

A case names its ONNX nodes, its inputs by their extents, sizes to run at, and what the result is: in float64 by numpy, and
by torch for the peer's time. Weights are constants of the model, as packing and tensor maps want them.
"""
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Case:
    name: str
    nodes: list  # (op, inputs, output, attributes)
    inputs: dict  # name -> extents, numbers or names
    reference: object  # (arrays by name) -> array
    peer: object  # (torch, tensors by name) -> tensor
    sizes: list  # values of the named extents; the last is the one that is timed
    flops: object = None  # (sizes) -> operations
    weights: dict = field(default_factory=dict)  # name -> extents
    precisions: tuple = ("fp32", "tf32", "fp16", "bf16")

    @property
    def is_tuned(self):
        """Whether its kernel has several tactics: products and convolutions."""
        return self.nodes[0][0] in ("MatMul", "Conv")

    def dims(self, name, size):
        return [size[d] if isinstance(d, str) else d for d in self.inputs[name]]


def arrays(case, size, seed=0):
    """Random float32 inputs and weights of a case; the same at every call."""
    rng = np.random.default_rng(seed)
    shapes = {**case.weights, **{name: case.dims(name, size) for name in case.inputs}}
    return {name: rng.standard_normal(shape, dtype=np.float32) * 0.5 for name, shape in shapes.items()}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def convolve(a, groups=1, stride=1):
    """3 x 3 with a pad of one."""
    x, w = a["x"], a["w"]
    n, c, height, width = x.shape
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((n, w.shape[0], -(-height // stride), -(-width // stride)))
    for i in range(3):
        for j in range(3):
            window = x[:, :, i:i + height:stride, j:j + width:stride]
            if groups == 1:
                out += np.einsum("nchw,oc->nohw", window, w[:, :, i, j])
            else:
                out += window * w[:, 0, i, j][:, None, None]
    return out


def attend(a, causal):
    q, k, v = a["q"], a["k"], a["v"]
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    return softmax(scores) @ v


def dense(k, n, sizes):
    return Case(f"dense_{k}x{n}", [("MatMul", ["x", "w"], "s", {}), ("Add", ["s", "b"], "t", {}), ("Relu", ["t"], "y", {})],
                {"x": ["M", k]}, lambda a: np.maximum(a["x"] @ a["w"] + a["b"], 0),
                lambda torch, t: torch.relu(t["x"] @ t["w"] + t["b"]), [{"M": m} for m in sizes],
                lambda s: 2 * s["M"] * k * n, {"w": [k, n], "b": [n]})


def conv(name, channels, kernels, sizes, groups=1, stride=1):
    return Case(name, [("Conv", ["x", "w"], "y", {"pads": [1] * 4, "group": groups, "strides": [stride] * 2})],
                {"x": ["N", channels, "H", "W"]}, lambda a: convolve(a, groups, stride),
                lambda torch, t: torch.nn.functional.conv2d(t["x"], t["w"], padding=1, groups=groups, stride=stride),
                [dict(zip("NHW", size)) for size in sizes],
                lambda s: 18 * s["N"] * s["H"] * s["W"] * channels * kernels // groups // stride**2,
                {"w": [kernels, channels // groups, 3, 3]})


def two_dense(k, hidden, sizes):
    """The first product begins and ends in the precision of the compilation, as those inside of a network do."""
    nodes = [("MatMul", ["x", "w"], "s", {}), ("Add", ["s", "b"], "t", {}), ("Relu", ["t"], "h", {}), ("MatMul", ["h", "v"], "y", {})]
    return Case(f"two_dense_{k}x{hidden}", nodes, {"x": ["M", k]}, lambda a: np.maximum(a["x"] @ a["w"] + a["b"], 0) @ a["v"],
                lambda torch, t: torch.relu(t["x"] @ t["w"] + t["b"]) @ t["v"], [{"M": m} for m in sizes],
                lambda s: 4 * s["M"] * k * hidden, {"w": [k, hidden], "b": [hidden], "v": [hidden, k]})


def two_conv(channels, sizes):
    def reference(a):
        return convolve({"x": np.maximum(convolve(a) + a["b"][:, None, None], 0), "w": a["v"]})

    def peer(torch, t):
        conv2d = torch.nn.functional.conv2d
        return conv2d(torch.relu(conv2d(t["x"], t["w"], t["b"], padding=1)), t["v"], padding=1)

    nodes = [("Conv", ["x", "w", "b"], "s", {"pads": [1] * 4}), ("Relu", ["s"], "h", {}), ("Conv", ["h", "v"], "y", {"pads": [1] * 4})]
    shape = [channels, channels, 3, 3]
    return Case(f"two_conv_{channels}", nodes, {"x": ["N", channels, "H", "W"]}, reference, peer,
                [dict(zip("NHW", size)) for size in sizes], lambda s: 36 * s["N"] * s["H"] * s["W"] * channels**2,
                {"w": shape, "b": [channels], "v": shape})


def attention(causal, heads, d, sizes):
    extents = {"q": ["B", heads, "S", d], "k": ["B", heads, "T", d], "v": ["B", heads, "T", d]}
    return Case(f"attention_{'causal' if causal else 'full'}_{d}",
                [("Attention", ["q", "k", "v"], "y", {"is_causal": int(causal)})], extents, lambda a: attend(a, causal),
                lambda torch, t: torch.nn.functional.scaled_dot_product_attention(t["q"], t["k"], t["v"],
                                                                                   is_causal=causal),
                [dict(zip("BST", size)) for size in sizes],
                lambda s: 4 * s["B"] * heads * s["S"] * s["T"] * d // (2 if causal else 1))


def rows(name, op, attributes, reference, peer):
    return Case(name, [(op, ["x"], "y", attributes)], {"x": ["R", "C"]}, lambda a: reference(a["x"]),
                lambda torch, t: peer(torch, t["x"]),
                [{"R": r, "C": c} for r, c in [(1, 1), (3, 33), (7, 1000), (130, 1025), (2, 5000), (16384, 4096)]],
                precisions=("fp32", "fp16", "bf16"))


CASES = [
    dense(64, 128, [1, 17, 130]),
    dense(40, 72, [1, 63, 257]),
    dense(33, 65, [1, 5, 129]),
    dense(1024, 1024, [1, 100, 8192]),
    Case("matmul", [("MatMul", ["a", "b"], "y", {})], {"a": ["B", "M", "K"], "b": ["B", "K", "N"]},
         lambda a: a["a"] @ a["b"], lambda torch, t: t["a"] @ t["b"],
         [dict(zip("BMKN", size)) for size in [(1, 1, 1, 1), (3, 17, 5, 33), (2, 128, 64, 128), (2, 4096, 4096, 4096)]],
         lambda s: 2 * s["B"] * s["M"] * s["K"] * s["N"]),
    two_dense(256, 256, [1, 65, 8192]),
    two_conv(64, [(1, 7, 9), (32, 56, 56)]),
    conv("conv_64", 64, 64, [(1, 7, 9), (2, 17, 33), (32, 56, 56)]),
    conv("conv_3_stride_2", 3, 64, [(1, 15, 17), (32, 224, 224)], stride=2),
    conv("conv_depthwise", 96, 96, [(1, 7, 9), (32, 56, 56)], groups=96),
    attention(False, 4, 64, [(1, 1, 1), (2, 33, 65), (1, 127, 129), (8, 1024, 1024)]),
    attention(True, 2, 128, [(1, 17, 17), (1, 130, 130), (8, 1024, 1024)]),
    rows("softmax", "Softmax", {"axis": -1}, softmax, lambda torch, x: torch.softmax(x, -1)),
    rows("mean", "ReduceMean", {"keepdims": 0, "axes": [1]}, lambda x: x.mean(1), lambda torch, x: x.mean(1)),
    rows("relu", "Relu", {}, lambda x: np.maximum(x, 0), lambda torch, x: torch.relu(x)),
    rows("transpose", "Transpose", {"perm": [1, 0]}, lambda x: x.T, lambda torch, x: x.T.contiguous()),
]

# Of the largest value of the result. Half has 11 bits, bfloat16 8, TF32 11.
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "fp16": 1e-2, "bf16": 2e-2}
