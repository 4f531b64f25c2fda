"""What compression.py measures of one model: its score, its size, its time, and that two engines agree on it."""
import pathlib
import statistics
import subprocess

import numpy as np
import onnx
from onnx import TensorProto

import bench

BITS = {TensorProto.INT8: 8, TensorProto.UINT8: 8, TensorProto.INT4: 4, TensorProto.UINT4: 4,
        TensorProto.FLOAT8E4M3FN: 8, TensorProto.FLOAT8E5M2: 8}


class Failure(Exception):
    """A command that ended with an error; the text is its first line."""


def command(*arguments, timeout=900):
    """The standard output of a program."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        raise Failure(next((line for line in lines if "error" in line.lower()), lines[-1])[:300])
    return done.stdout


def compiled(build, model, plan):
    command(build / "bin" / "tenon", "compile", model, "-o", plan)
    return plan


def tensor_bytes(tensor):
    count = int(np.prod(tensor.dims, dtype=np.int64))
    if tensor.data_type in BITS:
        return (count * BITS[tensor.data_type] + 7) // 8
    return count * np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize


def tensors(graph):
    """name -> constant, of initializers and of Constant nodes."""
    found = {i.name: i for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            found[node.output[0]] = node.attribute[0].t
    return found


MOVES = ("Gather", "Reshape", "Transpose", "Slice", "Unsqueeze", "Squeeze", "Identity")


def weights_of(graph):
    """(integers, [scales, zero points]) as names of constants, for each node with quantized weights."""
    constants, makers = tensors(graph), {name: node for node in graph.node for name in node.output}

    def source(name):
        while name not in constants:
            if name not in makers or makers[name].op_type not in MOVES:
                return None
            name = makers[name].input[0]
        return name

    for node in graph.node:
        found = [source(name) for name in node.input]
        if node.op_type == "DequantizeLinear" and found[0]:
            yield found[0], [name for name in found[1:] if name]
        elif node.op_type == "MatMulNBits":
            yield found[1], found[2:]
        elif node.op_type in ("MatMulInteger", "ConvInteger") and found[1]:
            yield found[1], [name for name in found[3:] if name]
        elif node.op_type in ("QLinearMatMul", "QLinearConv") and found[3]:
            yield found[3], [name for name in found[4:6] if name]


def quantized_bytes(path):
    """(bytes of quantized weights with their scales and zero points, bytes they had in f32)."""
    graph = onnx.load(path).graph
    constants, counted, full = tensors(graph), set(), 0
    packed = {node.input[1] for node in graph.node if node.op_type == "MatMulNBits"}
    for weight, others in weights_of(graph):
        if weight not in counted:
            full += 4 * int(np.prod(constants[weight].dims, dtype=np.int64)) * (2 if weight in packed else 1)
        counted |= {weight, *others}
    return sum(tensor_bytes(constants[name]) for name in counted), full


def weight_bytes(path):
    return sum(map(tensor_bytes, tensors(onnx.load(path).graph).values()))


def unoptimised(model, threads):
    """ONNX Runtime that runs the file as it is: its optimiser rounds what it fuses in another place."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, feeds)


def first_feeds(task, run, batches=4):
    """The first of the feeds that a task judges."""
    feeds = []

    class Enough(Exception):
        pass

    def record(fed):
        feeds.append(fed)
        if len(feeds) == batches:
            raise Enough
        return run(fed)

    try:
        task.judge(record)
    except Enough:
        pass
    return feeds


def disagreement(task, run, other):
    """How two engines differ on a few batches: (the largest difference of an output, relative to the largest output; the
    part of the samples that differ by more than 1e-4). A value that is rounded to an integer may lie so near to a tie
    that the order of a sum in f32 decides: then a sample differs by that step."""
    worst, rows = 0.0, []
    for fed in first_feeds(task, run):
        for a, b in zip(run(fed), other(fed)):
            apart = np.abs(a.astype(np.float64) - b).reshape(len(b), -1).max(axis=1) / max(np.abs(b).max(), 1e-30)
            worst, rows = max(worst, float(apart.max())), [*rows, *(apart > 1e-4)]
    return worst, float(np.mean(rows))


def times(engines, rounds=5, seconds=0.4):
    """name -> median milliseconds, of engines that take turns."""
    found = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            found[name] += bench.measure(engine, seconds)
    return {name: statistics.median(values) for name, values in found.items()}


def megabytes(path):
    return pathlib.Path(path).stat().st_size / 1e6
