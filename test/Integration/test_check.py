"""`tenon check`: every fault at once, and no weight is read."""
import json
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import tool

SIZE, LAYERS = 4096, 8


def varint(value):
    text = b""
    while value >= 0x80:
        text, value = text + bytes([value & 0x7F | 0x80]), value >> 7
    return text + bytes([value])


def field(number, length):
    return varint(number << 3 | 2) + varint(length)


def value(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def large_model(path):
    """Eight matrix products of 64 MiB of weights each, which are a hole in the file."""
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"], name=f"layer{i}") for i in range(LAYERS)]
    graph = helper.make_graph(nodes, "g", [value("x0", "N", SIZE)], [value(f"x{LAYERS}", "N", SIZE)])
    with open(path, "wb") as file:
        file.write(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
        for i in range(LAYERS):
            tensor = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[SIZE, SIZE]).SerializeToString()
            tensor += field(9, 4 * SIZE * SIZE)
            inner = field(5, len(tensor) + 4 * SIZE * SIZE) + tensor
            file.write(field(7, len(inner) + 4 * SIZE * SIZE) + inner)  # protobuf merges the parts of a message
            file.seek(4 * SIZE * SIZE, os.SEEK_CUR)
        file.truncate(file.tell())


def test_half_a_gigabyte_of_weights_is_not_read(tenon, tmp_path):
    large_model(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").stat().st_size > 2**29
    done = tool.succeed(tenon, "check", tmp_path / "m.onnx")
    assert f"{LAYERS} kernels" in done.stdout
    assert done.seconds < 2


def test_weights_and_small_tensors_are_what_they_were(tenon, tmp_path):
    """Raw data of many sizes, in initializers and in attributes, one of which looks as if it had been cut."""
    rng = np.random.default_rng(0)
    forged = np.frombuffer(b"\0tenonW1" + (100).to_bytes(8, "little") + (6000).to_bytes(8, "little"), np.uint8)
    arrays = [rng.standard_normal((n, 8)).astype(np.float32) for n in (1, 64, 127, 128, 129, 700)]
    nodes, total = [], None
    for i, array in enumerate(arrays):
        if i % 2:
            nodes.append(helper.make_node("Constant", [], [f"w{i}"], value=numpy_helper.from_array(array)))
        nodes += [helper.make_node("ReduceSum", [f"w{i}", "axes"], [f"s{i}"], keepdims=0),
                  helper.make_node("Add", [f"s{i}", total or "x"], [f"t{i}"])]
        total = f"t{i}"
    nodes += [helper.make_node("Cast", ["forged"], ["f"], to=TensorProto.FLOAT), helper.make_node("ReduceSum", ["f"], ["fs"], keepdims=0),
              helper.make_node("Add", [total, "fs"], ["y"])]
    weights = [numpy_helper.from_array(a, f"w{i}") for i, a in enumerate(arrays) if i % 2 == 0]
    weights += [numpy_helper.from_array(forged, "forged"), numpy_helper.from_array(np.array([0]), "axes")]
    graph = helper.make_graph(nodes, "g", [value("x", 8)], [value("y", 8)], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    tool.succeed(tenon, "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.tenon")
    x = rng.standard_normal(8).astype(np.float32)
    got, = tool.run_plan(tenon, tmp_path / "m.tenon", {"x": x}, ["y"], tmp_path / "run")
    assert tool.relmax(got, (x + sum(a.sum(axis=0) for a in arrays) + forged.sum()).astype(np.float32)) < 1e-5


def test_faults_of_structure_and_operators_are_listed_together(tenon, tmp_path):
    nodes = [helper.make_node("Relu", ["nowhere"], ["a"], name="undefined"),
             helper.make_node("NoSuchOp", ["x"], ["b"], name="unknown"),
             helper.make_node("Add", ["late", "x"], ["c"], name="unsorted"), helper.make_node("Neg", ["x"], ["late"]),
             helper.make_node("Abs", ["x"], ["a"], name="again")]
    short = TensorProto(name="short", data_type=TensorProto.FLOAT, dims=[3], raw_data=b"1234")
    graph = helper.make_graph(nodes, "g", [value("x", 4)], [value("c", 4), value("nothing", 4)], [short])
    (tmp_path / "m.onnx").write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    done = tool.run(tenon, "check", tmp_path / "m.onnx")
    tool.assert_refused(done, codes=[1, 3])
    for expected in ("TN1008: node 'undefined': 'nowhere' is not defined", "TN1009: node 'unsorted': 'late' is used before",
                     "TN1007: node 'again': 'a' is defined twice", "output 'nothing' is not defined",
                     "tensor 'short' holds 4 bytes, its shape needs 12", "TN1201: node 'unknown': NoSuchOp (opset 17)",
                     "6 problems"):
        assert expected in done.stderr, done.stderr
    done = tool.run(tenon, "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.tenon")
    assert done.stderr.count("error:") == 1


NEAREST = [  # operator, domain, more, what the remedy names
    ("Reul", "", (), "the nearest supported operator is 'Relu' of ai.onnx (opset 1 and newer)"),
    ("relu", "", (), "the nearest supported operator is 'Relu' of ai.onnx"),
    ("Gelu", "", (), "'Gelu' of ai.onnx (opset 20 and newer) is supported: convert the model"),
    ("Scatter", "", (), "'Scatter' of ai.onnx (opset 9 to 10) is supported; later the nearest supported form is ScatterElements"),
    ("Relu", "com.microsoft", (), "the nearest supported operator is 'Relu' of ai.onnx"),
    ("FastGelo", "com.microsoft", (), "the nearest supported operator is 'FastGelu' of com.microsoft"),
    ("MultiHeadAttention", "com.microsoft", (), "the nearest supported form is Attention of ai.onnx (opset 23 and newer)"),
    ("Frobnicate", "com.microsoft", (), "of com.microsoft there are BiasGelu,"),
    ("Scaler", "ai.onnx.ml", (), "hummingbird-ml"),
    ("RandomNormalLike", "", (), "the nearest supported form is an input of the model that is given the random numbers"),
    ("Exp", "", (("whole", TensorProto.INT32),), "cast the operand to double, the nearest type that Exp takes"),
    ("BitwiseNot", "", (), "cast the operand to int32, the nearest type that BitwiseNot takes"),
    ("Cast", "", (("to", TensorProto.COMPLEX64),), "the nearest supported type is float, with one more dimension of 2"),
    ("Cast", "", (("to", 99),), "ONNX has no such type; the nearest supported one is float (1)"),
    ("MaxPool", "", (("auto_pad", "SAME_UPER"), ("kernel_shape", [2])), "the nearest supported value is 'SAME_UPPER', of NOTSET,"),
    ("LpPool", "", (("ceil_mode", 1), ("kernel_shape", [2])), "fix the extent with --shape NAME=...!, or set ceil_mode 0"),
]


def test_the_remedy_is_the_nearest_supported_form(tenon, tmp_path):
    """All at once, each for its node."""
    nodes, inputs = [], [value("x", "N", 3, "L"), helper.make_tensor_value_info("whole", TensorProto.INT32, (4,))]
    for i, (op, domain, more, _) in enumerate(NEAREST):
        attributes = {key: what for key, what in more if key != "whole"}
        operand = "whole" if "whole" in dict(more) else "x"
        nodes.append(helper.make_node(op, [operand], [f"y{i}"], name=f"n{i}", domain=domain, **attributes))
    graph = helper.make_graph(nodes, "g", inputs, [value(f"y{i}") for i in range(len(nodes))])
    imports = [helper.make_opsetid(*of) for of in (("", 18), ("com.microsoft", 1), ("ai.onnx.ml", 3))]
    (tmp_path / "m.onnx").write_bytes(helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString())
    done = tool.run(tenon, "check", tmp_path / "m.onnx", "--format=json")
    assert done.seconds < 2
    remedies = {error["node"]: error["remedy"] for error in json.loads(done.stdout)["errors"]}
    for i, (op, _, _, expected) in enumerate(NEAREST):
        assert expected in remedies.get(f"n{i}", "nothing"), op


def test_an_opset_that_is_too_new_names_the_newest(tenon, tmp_path):
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value("x", 4)], [value("y", 4)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 99)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    done = tool.run(tenon, "check", tmp_path / "m.onnx")
    tool.assert_refused(done, codes=[3])
    assert "TN1006" in done.stderr and "to opset 28" in done.stderr
