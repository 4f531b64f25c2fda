# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/branch.onnx | FileCheck %s --check-prefix=BRANCH
# RUN: tenon-translate --onnx-to-graph %t/loop.onnx | FileCheck %s --check-prefix=LOOP
# RUN: tenon-translate --onnx-to-graph %t/ends_early.onnx | FileCheck %s --check-prefix=EARLY
# RUN: tenon-translate --onnx-to-graph %t/scan.onnx | FileCheck %s --check-prefix=SCAN
# RUN: tenon-translate --onnx-to-graph %t/run_time_condition.onnx | FileCheck %s --check-prefix=CONDITION
# RUN: tenon-translate --onnx-to-graph %t/run_time_count.onnx | FileCheck %s --check-prefix=COUNT
# RUN: tenon-translate --onnx-to-graph %t/growing.onnx | FileCheck %s --check-prefix=GROWING
# RUN: not tenon-translate --onnx-to-graph %t/undefined.onnx 2>&1 | FileCheck %s --check-prefix=UNDEFINED
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


def graph(nodes, inputs, outputs, initializers=()):
    return helper.make_graph(nodes, "body", list(inputs), list(outputs), list(initializers))


def branch_model(condition, inputs=()):
    """x is captured from outside."""
    then = graph([node("Relu", ["x"], ["a"])], [], [value("a", None)])
    other = graph([node("Neg", ["x"], ["b"])], [], [value("b", None)])
    return model(condition + [node("If", ["c"], ["y"], then_branch=then, else_branch=other)], [value("x"), *inputs])


@case
def branch():
    return branch_model([node("Size", ["x"], ["n"]), node("Equal", ["n", "n"], ["c"])])


# BRANCH: graph.relu
# BRANCH-NOT: graph.neg


def loop_body(goes_on):
    """What is carried doubles; the number of the iteration is known."""
    nodes = [node("Add", ["s", "s"], ["t"]), node("Cast", ["i"], ["f"], to=FLOAT), node("Mul", ["t", "f"], ["u"]),
             *goes_on]
    return graph(nodes, [value("i", (), INT64), value("c", (), BOOL), value("s", (2,))],
                 [value("d", (), BOOL), value("t", (2,)), value("u", (2,))])


@case
def loop():
    return model([node("Loop", ["m", "", "x"], ["y", "all"], body=loop_body([node("Identity", ["c"], ["d"])]))],
                 [value("x", (2,))], [value("y", None), value("all", None)], [constant("m", 3, np.int64)])


# LOOP-COUNT-3: graph.add
# LOOP: graph.concat {{.*}} {axis = 0 : i64}
# LOOP-SAME: -> tensor<3x2xf32>


@case
def ends_early():
    stop = [node("Less", ["i", "two"], ["d"])]
    return model([node("Loop", ["m", "", "x"], ["y", "all"], body=loop_body(stop))], [value("x", (2,))],
                 [value("all", None)], [constant("m", 9, np.int64), constant("two", 2, np.int64)])


# EARLY: graph.concat {{.*}} -> tensor<3x2xf32>


@case
def scan():
    body = graph([node("Add", ["s", "x_t"], ["t"]), node("Identity", ["t"], ["y_t"])],
                 [value("s", (4,)), value("x_t", (4,))], [value("t", (4,)), value("y_t", (4,))])
    return model([node("Scan", ["s0", "x"], ["s1", "y"], body=body, num_scan_inputs=1, scan_input_directions=[1])],
                 [value("s0", (4,)), value("x", (2, 4))], [value("s1", None), value("y", None)])


# SCAN: graph.slice %{{.+}} from <[1, 0]>
# SCAN: graph.slice %{{.+}} from <[0, 0]>
# SCAN: graph.concat


@case
def run_time_condition():
    return branch_model([], [value("c", (), BOOL)])


# CONDITION: func.func @main_1(%arg0: tensor<?x4xf32
# CONDITION: graph.relu
# CONDITION: func.func @main_2
# CONDITION: graph.neg
# CONDITION-NOT: func.func
# CONDITION: plan.script @script
# CONDITION: %[[Y:.+]] = plan.branch %arg1 {
# CONDITION-NEXT: plan.call @main_1(%arg0)
# CONDITION: } else {
# CONDITION-NEXT: plan.call @main_2(%arg0)
# CONDITION: plan.yield %[[Y]]


@case
def run_time_count():
    body = loop_body([node("Identity", ["c"], ["d"])])
    return model([node("Loop", ["m", "", "x"], ["y", "all"], body=body)], [value("x", (2,)), value("m", (), INT64)])


# Nobody reads what is stacked.
# COUNT: plan.repeat trips %arg1(%arg0) stacked [] {
# COUNT-NEXT: ^bb0(%{{.+}}, %[[GOES:.+]]: !plan.value, %[[X:.+]]: !plan.value):
# COUNT-NEXT: %[[T:.+]] = plan.call @main_1(%[[X]])
# COUNT-NEXT: plan.yield %[[GOES]], %[[T]]


@case
def growing():
    """What the body carries gets longer: its extent becomes a symbol of its own, of which both segments are told."""
    body = graph([node("Concat", ["s", "s"], ["t"], axis=0), node("Identity", ["c"], ["d"])],
                 [value("i", (), INT64), value("c", (), BOOL), value("s", None)], [value("d", (), BOOL), value("t", None)])
    return model([node("Loop", ["m", "", "x"], ["z"], body=body), node("Shape", ["z"], ["n"])],
                 [value("x", (2,)), value("m", (), INT64)], [value("n", None, INT64)])


# GROWING: func.func @main_{{[0-9]+}}(%arg0: tensor<?xf32, #graph.shape<[[[S:.+]]]>>) -> tensor<?xf32, #graph.shape<[2 * [[S]]]>>
# GROWING: func.func @main_{{[0-9]+}}(%arg0: tensor<1xi64>) -> tensor<1xi64> attributes {graph.symbols = ["[[T:.+]]"]}
# GROWING-NEXT: graph.dims <[[[T]]]>
# GROWING: %[[Z:.+]] = plan.repeat
# GROWING: plan.call @main_{{[0-9]+}}() read %[[Z]] at [0] elements [false]


@case
def undefined():
    then = graph([node("Relu", ["nowhere"], ["a"])], [], [value("a", None)])
    return model([node("Size", ["x"], ["n"]), node("Equal", ["n", "n"], ["c"]),
                  node("If", ["c"], ["y"], then_branch=then, else_branch=then)])


# UNDEFINED: TN1014: {{.*}}'nowhere'

write_cases()
