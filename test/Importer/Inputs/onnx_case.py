"""Small ONNX models for the importer's tests.

A test file registers cases with @case and ends with write_cases(): called with a folder, it writes FOLDER/CASE.onnx for
each. A file about errors registers with @refused(message) and ends with check_refusals(): every model must end
tenon-translate with status 1 and a message that contains the text.
"""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

CASES = {}
REFUSED = {}

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def case(function):
    CASES[function.__name__] = function
    return function


def refused(*messages):
    def register(function):
        REFUSED[function.__name__] = (function, messages)
        return function
    return register


def value(name, shape=("N", 4), dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, None if shape is None else list(shape))


def constant(name, array, dtype=None):
    return numpy_helper.from_array(np.asarray(array, dtype), name)


def ints(name, *values):
    return constant(name, values, np.int64)


def node(kind, inputs, outputs, name="n", **attributes):
    return helper.make_node(kind, inputs, outputs, name=name, **attributes)


def model(nodes, inputs=None, outputs=None, initializers=(), opset=17, functions=(), domains=(), ir_version=8) -> ModelProto:
    graph = helper.make_graph(list(nodes), "g", inputs or [value("x")], outputs or [value("y", None)], list(initializers))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in domains]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=ir_version)


def save(proto, path):
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())


def write_cases():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, build in CASES.items():
        save(build(), folder / f"{name}.onnx")


def check_refusal(folder, name):
    """What is wrong with the refusal of a case, or nothing."""
    build, messages = REFUSED[name]
    path = pathlib.Path(folder) / f"{name}.onnx"
    save(build(), path)
    done = subprocess.run(["tenon-translate", "--onnx-to-graph", path], capture_output=True, text=True, check=False)
    missing = [m for m in (*messages, "remedy: ") if m not in done.stderr]
    if done.returncode == 1 and not missing and done.stderr.count("error:") == 1:
        return None
    return f"{name}: status {done.returncode}, missing {missing} in:\n{done.stderr}"


def check_refusals():
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as pool:
        wrong = [w for w in pool.map(lambda name: check_refusal(folder, name), REFUSED) if w]
    sys.exit("\n".join(wrong) or 0)
