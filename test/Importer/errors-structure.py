# RUN: %python %s
"""What the structure check and the ONNX checker refuse, by code and reason."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def relu(**options):
    return model([node("Relu", ["x"], ["y"])], **options)


def with_tensor(**fields):
    return model([node("Add", ["x", "w"], ["y"])], initializers=[TensorProto(name="w", **fields)])


def external(*entries):
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, text in entries:
        tensor.external_data.add(key=key, value=text)
    return model([node("Add", ["x", "w"], ["y"])], initializers=[tensor])


def local_function(name, calls, domain="local"):
    return helper.make_function(domain, name, ["a"], ["b"], [helper.make_node(calls, ["a"], ["b"], domain=domain)],
                                [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)])


@refused("TN1002: protobuf cannot parse")
def empty():
    return b""


@refused("TN1002: the bytes are not a protobuf message")
def truncated():
    return relu().SerializeToString()[:-5]


@refused("TN1005: IR version 99")
def ir_version():
    return relu(ir_version=99)


@refused("TN1006: opset 29 is outside 1 to 28")
def opset():
    return relu(opset=29)


@refused("TN1006: domain '' is imported twice")
def opset_twice():
    return relu(domains=["ai.onnx"])


@refused("TN1016: the model has no graph")
def no_graph():
    proto = relu()
    proto.ClearField("graph")
    return proto


@refused('loc("n")', "TN1007: 'y' is defined twice")
def duplicate():
    return model([node("Relu", ["x"], ["y"], "m"), node("Abs", ["x"], ["y"])])


@refused("TN1007: initializer 'w' is defined twice")
def duplicate_initializer():
    return relu(initializers=[ints("w", 1), ints("w", 2)])


@refused("TN1016: an initializer has no name")
def nameless():
    return relu(initializers=[ints("", 1)])


@refused('loc("n")', "TN1008: 'z' is not defined")
def undefined():
    return model([node("Add", ["x", "z"], ["y"])])


@refused("TN1008: output 'z' is not defined")
def undefined_output():
    return relu(outputs=[value("z")])


@refused("TN1009: 'b' is used before it is computed")
def cycle():
    return model([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"], "m"), node("Relu", ["a"], ["y"], "o")])


@refused('loc("w")', "TN1010: dimension -4 is negative")
def negative_dim():
    return with_tensor(data_type=FLOAT, dims=[-4])


@refused("TN1010: the product of the dimensions overflows")
def overflow_behind_zero():
    return with_tensor(data_type=FLOAT, dims=[0, 1 << 40, 1 << 40])


@refused("TN1010: the size of the tensor overflows")
def size_overflow():
    return with_tensor(data_type=TensorProto.DOUBLE, dims=[1 << 61])


@refused("TN1010: tensor 'w' holds 15 bytes, its shape needs 16")
def short_bytes():
    return with_tensor(data_type=FLOAT, dims=[4], raw_data=bytes(15))


@refused("TN1010: tensor 'w' holds 3 values, its shape needs 4")
def short_values():
    return with_tensor(data_type=FLOAT, dims=[4], float_data=[1, 2, 3])


@refused("TN1010: tensor 'w' holds 0 values, its shape needs 1099511627776")
def no_data():
    return with_tensor(data_type=FLOAT, dims=[1 << 40])


@refused("TN1010: tensor 'w' has unknown type 77")
def unknown_type():
    return with_tensor(data_type=77, dims=[1])


@refused("TN1015: the tensor has 17 dimensions")
def high_rank():
    return with_tensor(data_type=FLOAT, dims=[1] * 17, float_data=[1])


@refused('loc("n")', "TN1010", "holds 0 values, its shape needs 2")
def attribute_tensor():
    return model([node("Constant", [], ["c"], value=TensorProto(data_type=FLOAT, dims=[2])), node("Add", ["x", "c"], ["y"])])


@refused("TN1011: location '../w.bin' is not a relative path")
def external_parent():
    return external(("location", "../w.bin"))


@refused("TN1011: location 'a/../../w.bin' is not a relative path")
def external_hidden_parent():
    return external(("location", "a/../../w.bin"))


@refused("TN1011: location '/etc/passwd' is not a relative path")
def external_absolute():
    return external(("location", "/etc/passwd"))


@refused("TN1011: location '' is not a relative path")
def external_nowhere():
    return external(("offset", "0"))


@refused("TN1011: cannot open 'w.bin': No such file")
def external_missing():
    return external(("location", "w.bin"))


@refused("TN1011: unknown key 'basepath' of external data")
def external_key():
    return external(("location", "w.bin"), ("basepath", "/"))


@refused("TN1011: offset '-4' of external data is no number")
def external_offset():
    return external(("location", "w.bin"), ("offset", "-4"))


@refused("TN1011: '.' is not a regular file")
def external_folder():
    return external(("location", "."))


@refused("TN1012: external data has length 8, the tensor needs 16 bytes")
def external_length():
    return external(("location", "w.bin"), ("length", "8"))


@refused("TN1012: 'external_short.onnx' has", "the tensor needs 16 from offset 100000")
def external_short():
    return external(("location", "external_short.onnx"), ("offset", "100000"))


@refused("TN1013: function 'f' calls itself")
def recursion():
    return model([helper.make_node("f", ["x"], ["y"], domain="local")], domains=["local"],
                 functions=[local_function("f", "g"), local_function("g", "f")])


@refused("TN1013: function 'f' is defined twice")
def function_twice():
    return model([helper.make_node("f", ["x"], ["y"], domain="local")], domains=["local"],
                 functions=[local_function("f", "g"), local_function("f", "g")])


@refused("TN1013: 101 functions, at most 100 are allowed")
def many_functions():
    return model([helper.make_node("f0", ["x"], ["y"], domain="local")], domains=["local"],
                 functions=[local_function(f"f{i}", f"f{i + 1}") for i in range(101)])


@refused("TN1015: more than 1000000 nodes after inlining functions")
def exponential_functions():
    """2^40 nodes out of 40 functions."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    chain = [helper.make_function("local", f"f{i}", ["a"], ["c"], [
        helper.make_node(f"f{i + 1}", ["a"], ["b"], domain="local"),
        helper.make_node(f"f{i + 1}", ["b"], ["c"], domain="local")], opsets) for i in range(40)]
    chain.append(helper.make_function("local", "f40", ["a"], ["c"], [helper.make_node("Identity", ["a"], ["c"])], opsets))
    return model([helper.make_node("f0", ["x"], ["y"], domain="local")], domains=["local"], functions=chain)


@refused("TN1014", "Name: culprit OpType: Conv")
def checker():
    return model([node("Conv", ["x"], ["y"], "culprit")])


@refused('loc("n")', "TN1211: attribute 'alpha' has no known type")
def attribute_type():
    proto = model([node("LeakyRelu", ["x"], ["y"], alpha=0.5)])
    proto.graph.node[0].attribute[0].ClearField("type")
    return proto


check_refusals()
