"""Sequences and optionals: lists of arrays, and None."""
import numpy as np
import pytest

import models
import tenon
import tenon.backend


@pytest.fixture(scope="module")
def insert():
    return tenon.Session(tenon.compile(models.insert()))


@pytest.fixture(scope="module")
def has():
    return tenon.Session(tenon.compile(models.has()))


A, B = np.float32([1]), np.float32([2, 3])


def lists(value):
    return [array.tolist() for array in value]


def test_a_sequence_comes_as_a_list():
    session = tenon.Session(tenon.compile(models.split()))
    assert [(o.name, o.dtype, o.shape, o.kind, o.optional) for o in session.outputs] == [
        ("parts", "float32", (2,), "sequence", False), ("count", "int64", (), "tensor", False)]
    for rows in (2, 0, 3):
        x = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
        parts, count = session.run(None, {"x": x})
        assert isinstance(parts, list) and count == rows and lists(parts) == x.tolist()
    assert session.run(["count"], {"x": x})[0] == 3


def test_a_sequence_goes_in_as_a_list(insert):
    assert [(i.name, i.kind) for i in insert.inputs] == [("parts", "sequence"), ("x", "tensor"), ("at", "tensor")]
    (longer,) = insert.run(None, {"parts": [A, B], "x": np.float32([4, 5]), "at": np.int64(1)})
    assert lists(longer) == [[1], [4, 5], [2, 3]] and longer[0].dtype == np.float32
    assert lists(insert.run(None, {"parts": (), "x": A, "at": np.int64(0)})[0]) == [[1]]


def test_results_own_their_memory(insert):
    a = A.copy()
    (longer,) = insert.run(None, {"parts": [a], "x": B, "at": np.int64(-1)})
    a[:] = 7
    assert lists(longer) == [[2, 3], [1]]


@pytest.mark.parametrize("parts, code", [
    (A, "TN7005"), (None, "TN7005"), ([np.int64([1])], "TN7005"), ([np.array(["text"])], "TN7005"),
    ([np.float32([[1]])], "TN7006")])
def test_what_is_no_such_sequence_is_an_error(insert, parts, code):
    with pytest.raises(tenon.Error, match="parts") as caught:
        insert.run(None, {"parts": parts, "x": A, "at": np.int64(0)})
    assert caught.value.code == code


def test_names_are_checked(insert):
    with pytest.raises(tenon.Error, match="TN7003.*'other'"):
        insert.run(None, {"parts": [], "x": A, "at": np.int64(0), "other": A})
    with pytest.raises(tenon.Error, match="TN7004.*'x'"):
        insert.run(None, {"parts": [], "at": np.int64(0)})


def test_a_position_outside_is_an_error(insert):
    with pytest.raises(tenon.Error, match="TN7018"):
        insert.run(None, {"parts": [A], "x": A, "at": np.int64(-2)})


def test_an_optional_may_be_none(has):
    assert has.inputs == [tenon.TensorInfo("x", "float32", (2,), "tensor", True)]
    assert has.run(None, {"x": B})[0] == True  # noqa: E712, a numpy bool
    assert has.run(None, {"x": None})[0] == False  # noqa: E712
    assert has.run(None, {})[0] == False  # noqa: E712


def test_the_backend_passes_them_on():
    rep = tenon.backend.prepare(models.insert())
    (longer,) = rep.run([[A, B], A, np.int64(-1)])
    assert lists(longer) == [[1], [1], [2, 3]]
    assert tenon.backend.prepare(models.has()).run([None])[0] == False  # noqa: E712
