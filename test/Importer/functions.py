# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/model_function.onnx | FileCheck %s --check-prefix=LOCAL
# RUN: tenon-translate --onnx-to-graph --mlir-print-debuginfo %t/model_function.onnx | FileCheck %s --check-prefix=LOC
# RUN: tenon-translate --onnx-to-graph %t/schema_function.onnx | FileCheck %s --check-prefix=SCHEMA
# RUN: tenon-translate --onnx-to-graph %t/context_function.onnx | FileCheck %s --check-prefix=CONTEXT
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def model_function():
    """Attributes are bound at the call, with a default where it states none."""
    opsets = [helper.make_opsetid("", 17)]
    leaky = helper.make_node("LeakyRelu", ["a"], ["t"], name="inner")
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=1)
    soft = helper.make_node("Softmax", ["t"], ["b"])
    soft.attribute.add(name="axis", ref_attr_name="axis", type=2)
    function = helper.make_function("local", "Act", ["a"], ["b"], [leaky, soft], opsets, attributes=["slope"],
                                    attribute_protos=[helper.make_attribute("axis", 0)])
    return model([node("Act", ["x"], ["h"], "first", domain="local", slope=0.5),
                  node("Act", ["h"], ["y"], "second", domain="local", slope=0.25, axis=1)],
                 functions=[function], domains=["local"])


# LOCAL: graph.leaky_relu %{{.+}} {alpha = 5.000000e-01 : f64}
# LOCAL: graph.softmax %{{.+}} {axis = 0 : i64}
# LOCAL: graph.leaky_relu %{{.+}} {alpha = 2.500000e-01 : f64}
# LOCAL: graph.softmax %{{.+}} {axis = 1 : i64}

# LOC: graph.leaky_relu {{.*}} loc(#[[FIRST:.+]])
# LOC: graph.softmax {{.*}} loc(#[[FIRST]])
# LOC: #[[FIRST]] = loc("first")


@case
def schema_function():
    """MeanVarianceNormalization has no op of its own: ONNX defines it by means, Sqrt and Div."""
    return model([node("MeanVarianceNormalization", ["x"], ["y"])], [value("x", ("N", 3, 4, 5))])


# SCHEMA: graph.reduce_mean
# SCHEMA: graph.sqrt
# SCHEMA: graph.div


@case
def context_function():
    """The body of GroupNormalization depends on the operand's type."""
    vectors = [constant(name, np.ones(4), np.float32) for name in "sb"]
    return model([node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2)], [value("x", ("N", 4, 6))],
                 initializers=vectors, opset=21)


# CONTEXT: graph.reduce_mean
# CONTEXT: graph.sqrt
# CONTEXT: return %{{.+}} : tensor<?x4x6xf32, #graph.shape<[N, 4, 6]>>

write_cases()
