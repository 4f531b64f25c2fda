"""The ways to compress a model that compression.py compares: `tenon compress`, and the peer, ONNX Runtime's tools."""
import copy
import functools
import logging

import numpy as np
import onnx
from onnx import helper, numpy_helper

EVERY = ("digits_cnn", "digits_vit", "minilm", "ocr", "magika")
OF_PRODUCTS = ("digits_vit", "minilm")  # mostly products with constant matrices
PLAIN = ("digits_cnn", "digits_vit", "minilm")
WITH_LARGE = (*EVERY, "resnet50")


class Method:
    """What is done to the model of each task of `tasks`: `options` of `tenon compress`, or peer(model, task, out)."""

    def __init__(self, options=(), tasks=EVERY, peer=None):
        self.options, self.tasks, self.peer = list(options), tasks, peer

    def arguments(self, task):
        """All get the data: those that need none are measured with them."""
        return [*self.options, f"--calibration={task.calibration}"]


class Reader:
    """A task's calibration data as ONNX Runtime's tools read them: one batch after another."""

    BATCH = 16

    def __init__(self, path, model):
        self.inputs = {i.name for i in onnx.load(model, load_external_data=False).graph.input}
        self.batches = iter(self.read(path))

    def read(self, path):
        for file in sorted(path.glob("*.npz")) if path.is_dir() else [path]:
            with np.load(file) as arrays:
                feeds = {name: arrays[name] for name in arrays.files if name in self.inputs}
            count = len(next(iter(feeds.values())))
            for start in range(0, count, self.BATCH):
                yield {name: array[start:start + self.BATCH] for name, array in feeds.items()}

    def get_next(self):
        return next(self.batches, None)


def prepared(model, out):
    """A copy of the model with initializers for its Constant nodes, which these tools do not take for weights."""
    proto = onnx.load(model)
    constants = [n for n in proto.graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"]
    for node in constants:
        tensor = proto.graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        proto.graph.node.remove(node)
    path = out.with_suffix(".prepared.onnx")
    onnx.save(proto, path)
    return str(path)


def peer_static(model, task, out):
    """u8 activations, s8 weights for each channel, as Q/DQ; the range of the activations from minimum and maximum."""
    from onnxruntime import quantization
    logging.getLogger().setLevel(logging.ERROR)
    quantization.quantize_static(prepared(model, out), str(out), Reader(task.calibration, model), per_channel=True,
                                 activation_type=quantization.QuantType.QUInt8,
                                 weight_type=quantization.QuantType.QInt8)


def peer_dynamic(model, task, out):
    from onnxruntime import quantization
    logging.getLogger().setLevel(logging.ERROR)
    quantization.quantize_dynamic(prepared(model, out), str(out), per_channel=True,
                                  weight_type=quantization.QuantType.QInt8)


def packed_int4(w, group):
    """[K, N] rounded to nearest in groups along K -> (bytes [N, K / group, group / 2], scales [N * K / group]). The
    integer 8 stands for zero, as MatMulNBits has it without zero points."""
    k, n = w.shape
    blocks = np.pad(w, ((0, -k % group), (0, 0))).T.reshape(n, -1, group)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)
    scales = extreme / np.float32(-8)
    integers = np.clip(np.rint(blocks / np.where(scales == 0, 1, scales)) + 8, 0, 15).astype(np.uint8)
    return integers[..., ::2] | integers[..., 1::2] << 4, scales.reshape(-1).astype(np.float32)


def peer_int4(model, task, out, group=32):
    """Products with constant matrices as MatMulNBits, rounded to nearest."""
    proto = onnx.load(model)
    weights = {i.name: i for i in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights or len(weights[node.input[1]].dims) != 2:
            continue
        w = numpy_helper.to_array(weights[node.input[1]])
        arrays = packed_int4(w, group)
        names = [f"{node.input[1]}_{part}" for part in ("bits", "scales")]
        proto.graph.initializer.extend(numpy_helper.from_array(a, n) for a, n in zip(arrays, names))
        node.CopyFrom(helper.make_node("MatMulNBits", [node.input[0], *names], list(node.output), name=node.name,
                                       domain="com.microsoft", K=w.shape[0], N=w.shape[1], bits=4, block_size=group))
    used = {name for node in proto.graph.node for name in node.input}
    kept = [copy.deepcopy(i) for i in proto.graph.initializer if i.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(proto, out)


def int4(group, way):
    return Method([f"--quantize=int4:{group}", f"--rounding={way}"], OF_PRODUCTS)


def pruned(what, how, tasks=PLAIN):
    return Method([f"--prune={what}", f"--prune-method={how}"], tasks)


METHODS = {
    "int8": Method(["--quantize=int8"], WITH_LARGE),
    "int8-dynamic": Method(["--quantize=int8-dynamic"]),
    "fp8": Method(["--quantize=fp8"]),
    **{f"int4:{group} {way}": int4(group, way) for group in (32, 64, 128) for way in ("nearest", "awq", "gptq")},
    **{f"2:4 {how}": pruned("2:4", how) for how in ("magnitude", "wanda", "sparsegpt")},
    "magnitude:0.5": pruned("magnitude:0.5", "magnitude"),
    "channels:0.5": Method(["--prune=channels:0.5"], ("digits_cnn", "digits_vit", "ocr", "resnet50")),
    "low-rank:0.9": Method(["--low-rank=0.9"], PLAIN),
    "merge": Method(["--merge"], PLAIN),
    "fp16": Method(["--precision=fp16"], PLAIN),
    "bf16": Method(["--precision=bf16"], PLAIN),
    "search": Method(["--search", "--budget=0.5"], ("digits_cnn", "digits_vit", "magika")),
    "peer int8": Method(peer=peer_static, tasks=WITH_LARGE),
    "peer int8-dynamic": Method(peer=peer_dynamic),
    "peer int4:32": Method(peer=functools.partial(peer_int4, group=32), tasks=OF_PRODUCTS),
}
