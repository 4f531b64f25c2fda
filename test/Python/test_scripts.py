"""Models in which a run decides what is computed: branches, loops, extents that depend on data, sequences."""
import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from conftest import BUILD

import tenon.backend

TWO = np.arange(8, dtype=np.float32).reshape(2, 4) - 3
TRUE, FALSE = np.array(True), np.array(False)


def count(n):
    return np.array(n, np.int64)


# Each: the graph, opset 21, and several sets of inputs for one plan.
CASES = {
    "branch": ("""(float[N, 4] x, bool c) => (float[N, 4] y, float[N] z) {
        h = Mul (x, x)
        y = If (c) <then_branch = a () => (float[N, 4] t) { t = Add (h, x) },
                    else_branch = b () => (float[N, 4] e) { e = Neg (h) }>
        z = ReduceSum <keepdims = 0> (y, axes)
    }""", [{"x": TWO, "c": TRUE}, {"x": TWO[:1], "c": FALSE}]),
    "branches_of_other_extents": ("""(float[N, 4] x, bool c) => (float[M, 4] z) {
        y = If (c) <then_branch = a () => (float[P, 4] t) { t = Concat <axis = 0> (x, x) },
                    else_branch = b () => (float[N, 4] e) { e = Identity (x) }>
        z = Relu (y)
    }""", [{"x": TWO, "c": TRUE}, {"x": TWO, "c": FALSE}]),
    "branches_of_two_ranks": ("""(float[N, 4] x, bool c) => (float[M, K] y, float[4] z, float[N, 4] h) {
        h = Mul (x, x)
        s = If (c) <then_branch = a () => (float t) { t = ReduceSum <keepdims = 0> (h) },
                    else_branch = b () => (float[N, 4] e) { e = Neg (h) }>
        y = Mul (s, x)
        z = ReduceSum <keepdims = 0> (y, first)
    }""", [{"x": TWO, "c": TRUE}, {"x": TWO, "c": FALSE}, {"x": TWO[:1], "c": FALSE}]),
    # The sum over axis 1 is in error for a vector: the plan is for runs that take the other branch.
    "branch_that_cannot_go_on": ("""(float[N, 4] x, bool c) => (float[N] y) {
        s = If (c) <then_branch = a () => (float t) { t = ReduceSum <keepdims = 0> (x) },
                    else_branch = b () => (float[N, 4] e) { e = Neg (x) }>
        y = ReduceSum <keepdims = 0> (s, axes)
    }""", [{"x": TWO, "c": FALSE}]),
    "squeeze_of_what_is_one": ("""(float[N, 1, K] x, float[N, 1, K] w) => (float[N, K] y, float[N, K] z) {
        h = Add (x, w)
        y = Squeeze (h)
        v = Squeeze (w)
        z = Relu (v)
    }""", [{"x": np.ones(shape, np.float32), "w": np.full(shape, -1, np.float32) + np.arange(shape[2], dtype=np.float32)}
           for shape in ((2, 1, 3), (1, 1, 3), (3, 1, 1), (1, 1, 1))]),
    "nested_branches": ("""(float[N, 4] x, bool c, bool d) => (float[N, 4] y) {
        y = If (c) <then_branch = a () => (float[N, 4] t) {
                        t = If (d) <then_branch = p () => (float[N, 4] u) { u = Exp (x) },
                                    else_branch = q () => (float[N, 4] v) { v = Abs (x) }>
                    },
                    else_branch = b () => (float[N, 4] e) { e = Neg (x) }>
    }""", [{"x": TWO, "c": TRUE, "d": TRUE}, {"x": TWO, "c": TRUE, "d": FALSE}, {"x": TWO, "c": FALSE, "d": TRUE}]),
    "loop": ("""(float[N, 4] x, int64 m) => (float[N, 4] y, float[M, N, 4] all) {
        y, all = Loop (m, , x) <body = b (int64 i, bool c, float[N, 4] s) => (bool d, float[N, 4] t, float[N, 4] u) {
            d = Identity (c)
            f = Cast <to = 1> (i)
            t = Add (s, x)
            u = Mul (t, f)
        }>
    }""", [{"x": TWO, "m": count(3)}, {"x": TWO[1:], "m": count(1)}]),
    "loop_without_iterations": ("""(float[2, 4] x, int64 m) => (float[2, 4] y, float[M, 2, 4] all) {
        y, all = Loop (m, , x) <body = b (int64 i, bool c, float[2, 4] s) => (bool d, float[2, 4] t, float[2, 4] u) {
            d = Identity (c)
            t = Add (s, x)
            u = Neg (t)
        }>
    }""", [{"x": TWO, "m": count(0)}, {"x": TWO, "m": count(-3)}]),
    "while": ("""(float[4] x, float limit) => (float[4] y, int64 n) {
        zero = Constant <value_int = 0> ()
        one = Constant <value_int = 1> ()
        y, n = Loop (, yes, x, zero) <body = b (int64 i, bool c, float[4] s, int64 k) => (bool d, float[4] t, int64 l) {
            t = Add (s, s)
            l = Add (k, one)
            sum = ReduceSum <keepdims = 0> (t)
            d = Less (sum, limit)
        }>
    }""", [{"x": np.ones(4, np.float32), "limit": np.array(100, np.float32)},
           {"x": np.ones(4, np.float32), "limit": np.array(1, np.float32)}]),
    "growing": ("""(float[N] x, int64 m) => (float[M] y, int64[1] n) {
        y = Loop (m, , x) <body = b (int64 i, bool c, float[K] s) => (bool d, float[L] t) {
            d = Identity (c)
            t = Concat <axis = 0> (s, x)
        }>
        n = Shape (y)
    }""", [{"x": TWO[0], "m": count(5)}, {"x": TWO[1, :3], "m": count(0)}]),
    "many_iterations": ("""(float[4] x) => (float[4] y) {
        m = Constant <value_int = 3000> ()
        half = Constant <value_float = 0.5> ()
        y = Loop (m, , x) <body = b (int64 i, bool c, float[4] s) => (bool d, float[4] t) {
            d = Identity (c)
            a = Mul (s, half)
            t = Add (a, x)
        }>
    }""", [{"x": TWO[0]}]),
    "branch_in_loop": ("""(float[4] x, int64 m) => (float[4] y) {
        two = Constant <value_int = 2> ()
        zero = Constant <value_int = 0> ()
        y = Loop (m, , x) <body = b (int64 i, bool c, float[4] s) => (bool d, float[4] t) {
            d = Identity (c)
            r = Mod (i, two)
            even = Equal (r, zero)
            t = If (even) <then_branch = p () => (float[4] u) { u = Add (s, x) },
                           else_branch = q () => (float[4] v) { v = Mul (s, x) }>
        }>
    }""", [{"x": TWO[0], "m": count(4)}, {"x": TWO[0], "m": count(1)}]),
    "scan": ("""(float[3] h, float[2, T, 3] x) => (float[3] y, float[3, T] all) {
        y, all = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_input_directions = [1], scan_output_axes = [1],
                       scan_output_directions = [1],
                       body = b (float[3] s, float[2, 3] e) => (float[3] t, float[3] u) {
            sum = ReduceSum <keepdims = 0> (e, first)
            t = Sub (sum, s)
            u = Identity (t)
        }> (h, x)
    }""", [{"h": np.ones(3, np.float32), "x": np.arange(6 * t, dtype=np.float32).reshape(2, t, 3)} for t in (1, 5)]),
    "rows_that_data_choose": ("""(float[N, 4] x) => (float[M, 4] y, float s) {
        sums = ReduceSum <keepdims = 0> (x, axes)
        zero = Constant <value_float = 0.0> ()
        positive = Greater (sums, zero)
        found = NonZero (positive)
        at = Squeeze (found, first)
        rows = Gather (x, at)
        y = Exp (rows)
        s = ReduceSum <keepdims = 0> (y)
    }""", [{"x": TWO}, {"x": np.repeat(TWO, 3, 0)}, {"x": -np.abs(TWO)}]),
    "range_that_data_bound": ("""(int64[K] durations) => (int64[M] y) {
        zero = Constant <value_int = 0> ()
        one = Constant <value_int = 1> ()
        total = ReduceSum <keepdims = 0> (durations)
        steps = Range (zero, total, one)
        y = Mul (steps, steps)
    }""", [{"durations": np.array([2, 0, 3], np.int64)}, {"durations": np.array([1], np.int64)}]),
    "sequence_of_a_loop": ("""(float[2, 4] x, int64 m) => (float[K, 4] y, int64 n) {
        empty = SequenceEmpty ()
        all = Loop (m, , empty) <body = b (int64 i, bool c, seq(float[2, 4]) s) => (bool d, seq(float[2, 4]) t) {
            d = Identity (c)
            f = Cast <to = 1> (i)
            e = Mul (x, f)
            t = SequenceInsert (s, e)
        }>
        y = ConcatFromSequence <axis = 0> (all)
        n = SequenceLength (all)
    }""", [{"x": TWO, "m": count(3)}, {"x": TWO, "m": count(1)}]),
    "split_that_a_run_knows": ("""(float[N, 4] x, int64 at) => (float[A, 4] y) {
        parts = SplitToSequence <axis = 0> (x, ones)
        row = SequenceAt (parts, at)
        y = Neg (row)
    }""", [{"x": TWO, "at": count(1)}, {"x": TWO, "at": count(-2)}]),
}
WEIGHTS = {"axes": np.array([1], np.int64), "first": np.array([0], np.int64), "ones": np.array([1, 1], np.int64),
           "yes": TRUE}


def build(text):
    graph = onnx.parser.parse_graph("g " + text)
    used = {name for node in graph.node for name in node.input} | {"first"}
    graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in WEIGHTS.items()
                             if name in used)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model


@pytest.mark.parametrize("device", ["CPU", "VGPU"])
@pytest.mark.parametrize("name", CASES)
def test_one_plan_for_all_inputs(name, device, monkeypatch):
    monkeypatch.setenv("TENON_DEVICE_PATH", str(BUILD / "lib"))
    text, feeds = CASES[name]
    model = build(text)
    plan = tenon.backend.prepare(model, device)
    peer = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for inputs in feeds:
        for got, wanted in zip(plan.run(inputs), peer.run(None, inputs), strict=True):
            assert got.shape == wanted.shape and got.dtype == wanted.dtype
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_functions_that_load_dialects_compile_alike():
    """Passes ask code generators what they have kernels for; those change the context, so functions go one by one."""
    model = build(CASES["nested_branches"][0])
    plans = [tenon.compile(model, target="vgpu", jobs=jobs) for jobs in (1, 2, 1, 2)]
    assert len({plan.path.read_bytes() for plan in plans}) == 1


def test_a_run_that_takes_the_other_branch_is_refused():
    """Results of one rank each: the plan is for the first, as nothing declares the rank."""
    model = build("""(float[N, 4] x) => (float y) {
        shape = Shape (x)
        n = Gather (shape, zero)
        c = Equal (n, one)
        z = If (c) <then_branch = a () => (float[4] t) { t = Squeeze (x, first) },
                    else_branch = b () => (float[N, 4] e) { e = Identity (x) }>
        y = ReduceSum <keepdims = 0> (z)
    }""".replace("shape =", "zero = Constant <value_int = 0> () one = Constant <value_int = 1> () shape ="))
    plan = tenon.backend.prepare(model)
    np.testing.assert_allclose(plan.run([TWO[1:]])[0], TWO[1].sum())
    with pytest.raises(tenon.Error) as caught:
        plan.run([TWO])
    assert caught.value.code == "TN7010"
    assert "equal extents" in str(caught.value)


def test_a_sequence_has_no_such_element():
    plan = tenon.backend.prepare(build(CASES["split_that_a_run_knows"][0]))
    with pytest.raises(tenon.Error) as caught:
        plan.run([TWO, count(2)])
    assert caught.value.code == "TN7018"
