"""tenon.Session: names, order, exact types, errors, threads."""
import json
import threading

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto

import models
import tenon


@pytest.fixture(scope="module")
def kinds():
    return tenon.Session(tenon.compile(models.outputs_of_all_kinds()))


KINDS_FEED = {"a": np.array([0, 1, 2]), "x": np.ones((2, 3), np.float32)}


def test_describes_inputs_and_outputs(kinds):
    assert kinds.inputs == [tenon.TensorInfo("a", "int64", (3,)), tenon.TensorInfo("x", "float32", ("R", 3))]
    assert [(o.name, o.dtype, o.shape) for o in kinds.outputs] == [
        ("c_next", "int64", (3,)), ("b_more", "bool", (3,)), ("a_total", "float32", ())]


def test_outputs_come_in_model_order_with_exact_types(kinds):
    following, more, total = kinds.run(None, KINDS_FEED)
    assert following.dtype == np.int64 and following.tolist() == [1, 2, 3]
    assert more.dtype == np.bool_ and more.tolist() == [False, False, True]
    assert isinstance(total, np.ndarray) and total.shape == () and total.dtype == np.float32 and total == 6


def test_outputs_by_name(kinds):
    total, following = kinds.run(["a_total", "c_next"], KINDS_FEED)
    assert total == 6 and following.tolist() == [1, 2, 3]
    assert kinds.run([], KINDS_FEED) == []


def test_agrees_with_onnx_runtime(mlp, plan, x):
    import onnxruntime
    theirs = onnxruntime.InferenceSession(mlp.SerializeToString(), providers=["CPUExecutionProvider"])
    session = tenon.Session(plan)
    for rows in (1, 3, 5):
        (want,), (got,) = theirs.run(None, {"input": x[:rows]}), session.run(None, {"input": x[:rows]})
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * np.abs(want).max())


@pytest.mark.parametrize("kind, dtype", [
    (TensorProto.FLOAT, np.float32), (TensorProto.INT64, np.int64), (TensorProto.INT32, np.int32),
    (TensorProto.UINT8, np.uint8), (TensorProto.INT8, np.int8), (TensorProto.BOOL, np.bool_),
    (TensorProto.DOUBLE, np.float64), (TensorProto.FLOAT16, np.float16), (TensorProto.BFLOAT16, ml_dtypes.bfloat16)])
def test_types_pass_unchanged(kind, dtype):
    session = tenon.Session(tenon.compile(models.identity(kind, 2, 3)))
    value = np.arange(6).reshape(2, 3).astype(dtype)
    (got,) = session.run(None, {"x": value})
    assert got.dtype == np.dtype(dtype) and np.array_equal(got, value.T)


@pytest.mark.parametrize("layout", ["columns", "strided", "big endian", "list", "read only"])
def test_inputs_of_any_layout(plan, x, layout):
    session = tenon.Session(plan)
    (want,) = session.run(None, {"input": x})
    locked = x.copy()
    locked.flags.writeable = False
    given = {"columns": np.asfortranarray(x), "strided": np.repeat(x, 2, axis=1)[:, ::2], "read only": locked,
             "big endian": x.astype(">f4"), "list": [row for row in x]}[layout]
    assert np.array_equal(session.run(None, {"input": given})[0], want)


def test_no_rows_in_no_rows_out(plan):
    (got,) = tenon.Session(plan).run(None, {"input": np.zeros((0, 784), np.float32)})
    assert got.shape == (0, 10) and got.dtype == np.float32


def test_outputs_own_their_memory(plan, x):
    session = tenon.Session(plan)
    (first,) = session.run(None, {"input": x})
    kept = first.copy()
    (second,) = session.run(None, {"input": x * 2})
    del session
    assert np.array_equal(first, kept) and not np.array_equal(first, second)
    first[:] = 0  # the caller's to change


def test_a_plan_loads_from_a_saved_file(plan, x, tmp_path):
    plan.save(tmp_path / "m.tenon")
    (want,) = tenon.Session(plan).run(None, {"input": x})
    for path in (tmp_path / "m.tenon", str(tmp_path / "m.tenon")):
        assert np.array_equal(tenon.Session(path).run(None, {"input": x})[0], want)


def test_profile_is_a_chrome_trace(plan, x, tmp_path):
    tenon.Session(plan).run(None, {"input": x}, profile=tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


@pytest.mark.parametrize("feed, part", [
    ({}, "input"), ({"absent": 0}, "absent"), ({"input": np.zeros((1, 784), np.int8)}, "int8"),
    ({"input": np.zeros((1, 783), np.float32)}, "783"), ({"input": np.zeros(784, np.float32)}, "input"),
    ({"input": np.array(["text"])}, "str"), ({"input": np.array([object()])}, "object")])
def test_wrong_inputs_are_errors(plan, feed, part):
    with pytest.raises(tenon.Error, match=part) as caught:
        tenon.Session(plan).run(None, feed)
    assert caught.value.code.startswith("TN7")


def test_an_unknown_output_is_an_error(plan, x):
    with pytest.raises(tenon.Error, match="'nothing'"):
        tenon.Session(plan).run(["nothing"], {"input": x})


def test_what_is_no_plan_is_an_error(tmp_path):
    (tmp_path / "m.tenon").write_bytes(b"no plan" * 100)
    with pytest.raises(tenon.Error, match="TN6"):
        tenon.Session(tmp_path / "m.tenon")
    with pytest.raises(tenon.Error, match="TN"):
        tenon.Session(tmp_path / "absent.tenon")


def test_an_unknown_architecture_is_an_error(plan):
    with pytest.raises(tenon.Error, match="riscv"):
        tenon.Session(plan, arch="riscv")


def in_threads(work, count):
    """Runs work(i) in `count` threads that start together; returns their results, or raises the first error."""
    results, gate = [None] * count, threading.Barrier(count)

    def enter(index):
        gate.wait()
        try:
            results[index] = work(index)
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=enter, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.mark.parametrize("shared", [False, True])
def test_threads_run_sessions_at_once(plan, x, shared):
    sessions = [tenon.Session(plan, threads=1)] * 2 if shared else [tenon.Session(plan, threads=1) for _ in range(2)]
    want = [sessions[0].run(None, {"input": x * (i + 1)})[0] for i in range(2)]
    got = in_threads(lambda i: [sessions[i].run(None, {"input": x * (i + 1)})[0] for _ in range(50)], 2)
    for mine, wanted in zip(got, want):
        assert all(np.array_equal(each, wanted) for each in mine)


def test_two_compilations_at_once(mlp):
    plans = in_threads(lambda i: tenon.compile(mlp, jobs=1), 2)
    assert plans[0].path.read_bytes() == plans[1].path.read_bytes()
