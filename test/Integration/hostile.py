"""Models that attack the compiler. Each builder writes a model into a folder and returns its path, the names that the
message must contain, and whether the model is valid after all (then it may also compile)."""
import os

from onnx import AttributeProto, TensorProto, helper

CASES = {}


def hostile(function):
    CASES[function.__name__] = function
    return function


def value(name, shape=("N", 4), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, list(shape))


def node(kind, inputs, outputs, name="culprit", **attributes):
    return helper.make_node(kind, inputs, outputs, name=name, **attributes)


def model(nodes, initializers=(), inputs=None, outputs=None, functions=(), opsets=None):
    graph = helper.make_graph(list(nodes), "g", inputs or [value("x")], outputs or [value("y")], list(initializers))
    opsets = opsets or [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)


def write(folder, proto, size=None):
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    path = folder / "model.onnx"
    path.write_bytes(data[:size])
    return path


def varint(number):
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes(data + bytes([number]))


def field(number, data):
    """One length-delimited field of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def with_node(shell, data):
    """The bytes of the model `shell` with one more node, given as bytes: GraphProto.node is field 1, the graph 7."""
    graph = field(1, data) + shell.graph.SerializeToString()
    shell.ClearField("graph")
    return shell.SerializeToString() + field(7, graph)


def tensor(name, dims, raw, dtype=TensorProto.FLOAT):
    t = TensorProto(name=name, data_type=dtype, raw_data=raw)
    t.dims.extend(dims)
    return t


def external(name, location, length=16):
    t = TensorProto(name=name, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    t.dims.append(4)
    for key, text in (("location", location), ("offset", "0"), ("length", str(length))):
        t.external_data.add(key=key, value=text)
    return t


@hostile
def recursive_functions(folder):
    """f calls g, g calls f."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    pair = [helper.make_function("local", a, ["a"], ["b"], [helper.make_node(b, ["a"], ["b"], name=f"in_{a}", domain="local")],
                                 opsets) for a, b in (("f", "g"), ("g", "f"))]
    call = helper.make_node("f", ["x"], ["y"], name="culprit", domain="local")
    return write(folder, model([call], functions=pair, opsets=opsets)), ["f"]


@hostile
def many_nested_functions(folder):
    """150 functions, each calls the next."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    chain = [helper.make_function("local", f"f{i}", ["a"], ["b"],
                                  [helper.make_node(f"f{i + 1}", ["a"], ["b"], domain="local")], opsets) for i in range(150)]
    chain.append(helper.make_function("local", "f150", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opsets))
    call = helper.make_node("f0", ["x"], ["y"], name="culprit", domain="local")
    return write(folder, model([call], functions=chain, opsets=opsets)), []


@hostile
def forty_nested_ifs(folder):
    """Written by hand: Python's protobuf refuses to build 120 nested messages."""
    body = node("Identity", ["x"], ["v40"], "leaf").SerializeToString()
    for depth in reversed(range(40)):
        branches = b""
        for name in ("then_branch", "else_branch") if depth == 39 else ("then_branch",):
            graph = field(1, body) + field(2, f"g{depth}".encode()) + field(12, value(f"v{depth + 1}").SerializeToString())
            branches += field(5, field(1, name.encode()) + field(6, graph) + b"\xa0\x01\x05")
        if depth != 39:
            other = helper.make_graph([node("Relu", ["x"], [f"e{depth}"], f"else{depth}")], f"o{depth}", [], [value(f"e{depth}")])
            branches += field(5, helper.make_attribute("else_branch", other).SerializeToString())
        body = node("If", ["c"], [f"v{depth}"], f"if{depth}").SerializeToString() + branches
    shell = model([], inputs=[value("x"), value("c", (), TensorProto.BOOL)], outputs=[value("v0")])
    return write(folder, with_node(shell, body)), []


@hostile
def dims_overflow(folder):
    """2^40 * 2^40 elements in 16 bytes."""
    return write(folder, model([node("Add", ["x", "weight"], ["y"])], [tensor("weight", [1 << 40, 1 << 40], bytes(16))])), ["weight"]


@hostile
def negative_dims(folder):
    return write(folder, model([node("Add", ["x", "weight"], ["y"])], [tensor("weight", [-1, 4], bytes(16))])), ["weight"]


@hostile
def external_path_traversal(folder):
    (folder / "secret.bin").write_bytes(bytes(16))
    inner = folder / "inner"
    inner.mkdir()
    return write(inner, model([node("Add", ["x", "weight"], ["y"])], [external("weight", "../secret.bin")])), ["weight"]


@hostile
def external_absolute_path(folder):
    (folder / "secret.bin").write_bytes(bytes(16))
    inner = folder / "inner"
    inner.mkdir()
    return write(inner, model([node("Add", ["x", "weight"], ["y"])], [external("weight", str(folder / "secret.bin"))])), ["weight"]


@hostile
def external_symlink(folder):
    (folder / "secret.bin").write_bytes(bytes(16))
    inner = folder / "inner"
    inner.mkdir()
    os.symlink("../secret.bin", inner / "weight.bin")
    return write(inner, model([node("Add", ["x", "weight"], ["y"])], [external("weight", "weight.bin")])), ["weight"]


@hostile
def external_too_short(folder):
    (folder / "weight.bin").write_bytes(bytes(8))
    return write(folder, model([node("Add", ["x", "weight"], ["y"])], [external("weight", "weight.bin")])), ["weight"]


@hostile
def truncated_protobuf(folder):
    proto = model([node("Add", ["x", "weight"], ["y"])], [tensor("weight", [4], bytes(16))])
    return write(folder, proto, proto.ByteSize() // 2), []


@hostile
def cyclic_graph(folder):
    return write(folder, model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"], "back"),
                                node("Relu", ["b"], ["y"], "out")])), ["culprit"]


@hostile
def duplicate_names(folder):
    return write(folder, model([node("Relu", ["x"], ["a"], "first"), node("Abs", ["x"], ["a"]),
                                node("Add", ["a", "a"], ["y"], "sum")])), ["a"]


@hostile
def wrong_byte_count(folder):
    return write(folder, model([node("Add", ["x", "weight"], ["y"])], [tensor("weight", [4], bytes(15))])), ["weight"]


@hostile
def huge_fold_overflow(folder):
    """2^93 elements out of 24 bytes."""
    shape = tensor("shape", [3], (1 << 31).to_bytes(8, "little") * 3, TensorProto.INT64)
    return write(folder, model([node("ConstantOfShape", ["shape"], ["c"]), node("ReduceSum", ["c"], ["s"], "sum"),
                                node("Add", ["x", "s"], ["y"], "out")], [shape])), ["culprit"]


@hostile
def unknown_op(folder):
    return write(folder, model([node("Frobnicate", ["x"], ["y"])])), ["culprit", "Frobnicate"]


@hostile
def unknown_domain(folder):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    call = helper.make_node("Relu", ["x"], ["y"], name="culprit", domain="com.example")
    return write(folder, model([call], opsets=opsets)), ["culprit", "com.example"]


@hostile
def unknown_attribute_type(folder):
    """An enumerator that no version of ONNX defines: field 20 of AttributeProto, written by hand."""
    bad = node("LeakyRelu", ["x"], ["y"])
    attribute = AttributeProto(name="alpha", f=0.1).SerializeToString() + b"\xa0\x01\x63"
    return write(folder, with_node(model([]), bad.SerializeToString() + field(5, attribute))), ["culprit"]


@hostile
def missing_input(folder):
    return write(folder, model([node("Add", ["x", "nowhere"], ["y"])])), ["culprit", "nowhere"]


@hostile
def too_few_inputs(folder):
    return write(folder, model([node("Conv", ["x"], ["y"])], inputs=[value("x", (1, 3, 8, 8))],
                               outputs=[value("y", (1, 3, 8, 8))])), ["culprit"]


@hostile
def missing_output(folder):
    return write(folder, model([node("Relu", ["x"], ["z"])])), ["y"]


@hostile
def zero_stride(folder):
    weight = tensor("w", [2, 3, 1, 1], bytes(24))
    return write(folder, model([node("Conv", ["x", "w"], ["y"], strides=[0, 0])], [weight],
                               [value("x", (1, 3, 8, 8))], [value("y", (1, 2, "h", "w"))])), ["culprit"]


@hostile
def impossible_broadcast(folder):
    return write(folder, model([node("Add", ["x", "weight"], ["y"])], [tensor("weight", [3], bytes(12))])), ["culprit"]


@hostile
def future_opset(folder):
    return write(folder, model([node("Relu", ["x"], ["y"])], opsets=[helper.make_opsetid("", 9999)])), ["9999"]


@hostile
def empty_file(folder):
    return write(folder, b""), []


@hostile
def not_a_model(folder):
    return write(folder, bytes(range(256)) * 16), []
