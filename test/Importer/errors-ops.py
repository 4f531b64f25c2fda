# RUN: %python %s
"""What the import rules refuse, by code and reason: at the node, before any op is built."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403

IMAGE = [value("x", ("N", 3, "H", "W"))]


def one(kind, inputs=("x",), shapes=None, constants=(), opset=17, **attributes):
    """A model of one node named culprit."""
    values = [value("x")] if shapes is None else [value(f"x{i}" if i else "x", s) for i, s in enumerate(shapes)]
    return model([node(kind, list(inputs), ["y"], "culprit", **attributes)], values, initializers=constants, opset=opset)


def weights(*shape):
    return [constant("w", np.ones(shape), np.float32)]


@refused('loc("culprit")', "TN1201: Frobnicate: ONNX has no such operator at opset 17")
def unknown_op():
    return one("Frobnicate")


@refused("TN1201: RandomUniformLike (opset 17): there is no import rule for 'RandomUniformLike' of domain 'ai.onnx'")
def op_without_rule():
    return one("RandomUniformLike")


@refused("TN1201", "of domain 'com.example'")
def foreign_domain():
    return model([helper.make_node("Relu", ["x"], ["y"], domain="com.example")], domains=["com.example"])


@refused("TN1014: No Opset registered for domain com.example")
def domain_not_imported():
    function = helper.make_function("local", "f", ["a"], ["b"], [helper.make_node("Op", ["a"], ["b"], domain="com.example")],
                                    [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)])
    return model([helper.make_node("f", ["x"], ["y"], domain="local")], functions=[function], domains=["local"])


@refused("TN1210: If (opset 17): the condition is no bool of one element")
def condition_of_two():
    branch = helper.make_graph([node("Relu", ["x"], ["b"])], "b", [], [value("b")])
    return model([node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)], [value("x"), value("c", (2,), BOOL)])


@refused("TN1212: If (opset 17): result 0 of the branches has different types")
def branches_of_two_types():
    then = helper.make_graph([node("Relu", ["x"], ["b"])], "b", [], [value("b")])
    other = helper.make_graph([node("Cast", ["x"], ["b"], to=INT64)], "b", [], [value("b", None, INT64)])
    return model([node("If", ["c"], ["y"], then_branch=then, else_branch=other)], [value("x"), value("c", (), BOOL)])


@refused("TN1205: If (opset 17): branches and loops nest more than 16 deep")
def deep_branches():
    branch = helper.make_graph([node("Relu", ["x"], ["b"])], "b", [], [value("b")])
    for _ in range(17):
        branch = helper.make_graph([node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)], "b", [],
                                   [value("b")])
    return model([node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)], [value("x"), value("c", (), BOOL)])


@refused("TN1212: Loop (opset 17): the body changes the type of value 0")
def loop_changes_type():
    body = helper.make_graph([node("Identity", ["g"], ["h"]), node("Shape", ["a"], ["b"])], "b",
                             [value("i", (), INT64), value("g", (), BOOL), value("a")],
                             [value("h", (), BOOL), value("b", None, INT64)])
    return model([node("Loop", ["m", "", "x"], ["y"], body=body)], [value("x"), value("m", (), INT64)])


@refused("TN1208: Relu (opset 17): only a run knows the rank of an operand")
def element_of_unknown_rank():
    sequence = helper.make_tensor_sequence_value_info("s", FLOAT, None)
    return model([node("SequenceAt", ["s", "i"], ["a"], "at"), node("Relu", ["a"], ["y"])], [sequence],
                 initializers=[constant("i", 0, np.int64)])


@refused("TN1206: Relu (opset 17): an operand is a sequence or optional")
def tensor_op_on_sequence():
    return model([node("SequenceConstruct", ["x"], ["s"]), node("Relu", ["s"], ["y"])])


@refused("TN1206: input 'x' holds no tensors of a supported type")
def sequence_of_strings():
    sequence = helper.make_tensor_sequence_value_info("x", TensorProto.STRING, None)
    return model([node("SequenceLength", ["x"], ["y"])], [sequence], [value("y", (), INT64)])


@refused("TN1206: 'w' is a sparse initializer")
def sparse():
    proto = one("Relu")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(constant("w", [1.0], np.float32), ints("i", 0), [4]))
    return proto


@refused("TN1204: input 'x' has element type 8")
def string_input():
    return model([node("Identity", ["x"], ["y"])], [value("x", (1,), TensorProto.STRING)], [value("y", (1,), TensorProto.STRING)])


@refused("TN1204", "element type STRING")
def string_constant():
    return one("Relu", constants=[helper.make_tensor("s", TensorProto.STRING, [1], [b"a"])])


@refused("TN1204: Cast (opset 17): cannot cast to element type 8")
def cast_to_string():
    return one("Cast", to=TensorProto.STRING)


@refused("TN1204: Exp (opset 17): operands must be floating point, got 'i64'",
         "remedy: cast the operand to double, the nearest type that Exp takes")
def integer_exp():
    return model([node("Exp", ["x"], ["y"])], [value("x", (1,), INT64)])


@refused("TN1208: input 'x' declares no shape")
def no_rank():
    return model([node("Relu", ["x"], ["y"])], [value("x", None)])


@refused("TN1016: input 'x' has extent -7")
def negative_extent():
    return model([node("Relu", ["x"], ["y"])], [value("x", (-7,))])


@refused("TN1214: input 'x' has more than 2^62 bytes")
def huge_input():
    return model([node("Relu", ["x"], ["y"])], [value("x", (1 << 40, 1 << 40))])


@refused("TN1203: Reshape (opset 17): operand 1 ('s') is computed from run-time data", "make the operand an initializer")
def dynamic_reshape():
    return model([node("Reshape", ["x", "s"], ["y"])], [value("x"), value("s", ("K",), INT64)])


@refused("TN1203: ReduceSum (opset 17): operand 1 ('s') is computed from run-time data")
def dynamic_axes():
    return model([node("ReduceSum", ["x", "s"], ["y"])], [value("x"), value("s", ("K",), INT64)])


@refused("TN1203: Resize (opset 17): scales must be a constant or an input of the model")
def dynamic_scales():
    return model([node("Resize", ["x", "", "s"], ["y"])], [value("x"), value("s", (2,), TensorProto.DOUBLE)])


@refused("TN1212: Add (opset 17)", "do not broadcast")
def broadcast():
    return one("Add", ("x", "w"), constants=weights(3))


@refused("TN1212: MatMul (opset 17)")
def contraction():
    return one("MatMul", ("x", "w"), constants=weights(3, 5))


@refused("TN1212: Conv (opset 17)")
def channels():
    return one("Conv", ("x", "w"), [("N", 3, 8, 8)], weights(4, 2, 1, 1))


@refused("TN1210: Conv (opset 17): operand and weights have ranks 2 and 4")
def conv_rank():
    return one("Conv", ("x", "w"), constants=weights(4, 2, 1, 1))


@refused("TN1211: Conv (opset 17): 'strides' holds 0")
def zero_stride():
    return one("Conv", ("x", "w"), [("N", 3, 8, 8)], weights(4, 3, 1, 1), strides=[0, 1])


@refused("TN1211: Conv (opset 17): 'pads' has 3 entries, expected 4")
def pads_length():
    return one("Conv", ("x", "w"), [("N", 3, 8, 8)], weights(4, 3, 1, 1), pads=[0, 1, 1])


@refused("TN1211: Conv (opset 17): kernel_shape differs from the extents of the weights")
def kernel_shape():
    return one("Conv", ("x", "w"), [("N", 3, 8, 8)], weights(4, 3, 1, 1), kernel_shape=[3, 3])


@refused("TN1211: Conv (opset 17): auto_pad 'MAYBE' is unknown")
def auto_pad():
    return one("Conv", ("x", "w"), [("N", 3, 8, 8)], weights(4, 3, 1, 1), auto_pad="MAYBE")


@refused("TN1207: Conv (opset 17): auto_pad with stride 2 on a dynamic extent")
def dynamic_same():
    return one("Conv", ("x", "w"), [("N", 3, "H", "W")], weights(4, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])


@refused("TN1212: Conv (opset 17): ")
def kernel_too_large():
    return one("Conv", ("x", "w"), [("N", 3, 2, 2)], weights(4, 3, 7, 7))


@refused("TN1211: MaxPool (opset 17): 'kernel_shape' has 1 entries, expected 2")
def pool_kernel():
    return one("MaxPool", shapes=[(1, 3, 8, 8)], kernel_shape=[2])


@refused("TN1210: Gemm (opset 17): A and B must be matrices")
def gemm_rank():
    return one("Gemm", ("x", "w"), constants=weights(4))


@refused("TN1202: BatchNormalization (opset 6): only inference is supported")
def training():
    vectors = [constant(name, np.ones(4), np.float32) for name in "sbmv"]
    return one("BatchNormalization", ("x", *"sbmv"), constants=vectors, opset=6)


@refused("TN1211: Softmax (opset 17): axis 2 is outside [-2, 2)")
def axis():
    return one("Softmax", axis=2)


@refused("TN1211: ReduceMax (opset 17): an axis is given twice")
def axis_twice():
    return one("ReduceMax", axes=[0, -2])


@refused("TN1211: Transpose (opset 17): perm is not a permutation of 2 axes")
def permutation():
    return one("Transpose", perm=[0, 0])


@refused("TN1212: Concat (opset 17): operands differ in rank or element type")
def concat_rank():
    return one("Concat", ("x", "w"), constants=weights(4), axis=0)


@refused("TN1210: Gather (opset 17): indices must be int32 or int64, got 'f32'")
def gather_type():
    return one("Gather", ("x", "w"), constants=weights(4))


@refused("TN1210: Gather (opset 17): index 2 is outside [-2, 2)")
def gather_shape():
    return model([node("Shape", ["x"], ["s"], "shape"), node("Gather", ["s", "i"], ["d"]),
                  node("ConstantOfShape", ["d"], ["y"], "fill")], initializers=[ints("i", 2)])


@refused("TN1210: Reshape (opset 17): the shape holds -1 twice")
def reshape_twice():
    return one("Reshape", ("x", "s"), constants=[ints("s", -1, -1)])


@refused("TN1212: Reshape (opset 17)")
def reshape_count():
    return one("Reshape", ("x", "s"), [(2, 3)], [ints("s", 5)])


@refused("TN1210: Slice (opset 17): step 0 is not supported")
def zero_step():
    return one("Slice", ("x", "s", "e", "a", "p"), constants=[ints("s", 0), ints("e", 1), ints("a", 0), ints("p", 0)])


@refused("TN1212: Split (opset 17): the parts do not add up to the extent of axis 1")
def split_sum():
    return model([node("Split", ["x", "p"], ["y", "z"], axis=1)], outputs=[value("y"), value("z")], initializers=[ints("p", 1, 2)])


@refused("TN1212: Squeeze (opset 17): axis 1 has extent 4, not 1")
def squeeze():
    return one("Squeeze", ("x", "a"), constants=[ints("a", 1)])


@refused("TN1212: Expand (opset 17): extent 4 does not broadcast to 3")
def expand():
    return one("Expand", ("x", "s"), constants=[ints("s", 2, 3)])


@refused("TN1210: Expand (opset 17): the shape holds -5")
def expand_negative():
    return one("Expand", ("x", "s"), [()], [ints("s", -5)])


@refused("TN1210: Tile (opset 17): 1 repeats for rank 2")
def tile():
    return one("Tile", ("x", "s"), constants=[ints("s", 2)])


@refused("TN1211: Pad (opset 19): mode 'mirror' is unknown", "of constant, reflect, edge, wrap")
def pad_mode():
    return one("Pad", ("x", "p"), constants=[ints("p", 1, 1, 1, 1)], opset=19, mode="mirror")


@refused("TN1211: Resize (opset 17): mode 'quartic' is unknown",
         "remedy: the nearest supported value is 'cubic', of nearest, linear, cubic")
def resize_cubic():
    return one("Resize", ("x", "", "s"), constants=[constant("s", [1, 2], np.float32)], mode="quartic")


@refused("TN1210: Resize (opset 17): scale -1")
def resize_negative():
    return one("Resize", ("x", "", "s"), constants=[constant("s", [1, -1], np.float32)])


@refused("TN1214: ConstantOfShape (opset 17): the result has more than 2^62 bytes")
def huge_constant():
    return one("ConstantOfShape", ("s",), constants=[ints("s", 1 << 31, 1 << 31, 1 << 31)])


@refused("TN2101: Mul (opset 17): an extent is an expression of")
def complex_extent():
    """A polynomial in many symbols, multiplied out."""
    names = [f"s{i}" for i in range(12)]
    steps = [node("Shape", ["x"], [f"e{i}"], start=i, end=i + 1) for i in range(12)]
    steps += [node("Add", [f"e{i}" if i == 0 else f"p{i}", f"e{i + 1}"], [f"p{i + 1}"]) for i in range(11)]
    steps += [node("Mul", ["p11", "p11"], ["m"]), node("Mul", ["m", "m"], ["c"]), node("ConstantOfShape", ["c"], ["y"])]
    return model(steps, [value("x", names)])


@refused("TN1212: output 'y' is declared with element type 7, but has 'f32'")
def output_type():
    return model([node("Relu", ["x"], ["y"])], outputs=[value("y", None, INT64)])


check_refusals()
