"""Scatter with indices that only the run knows."""
import numpy as np
import onnx

import models
import tenon


def run(reduction, data, indices, updates):
    node = onnx.helper.make_node("ScatterND", ["x", "i", "u"], ["y"], reduction=reduction)
    model = models.model([node], [models.value("x", models.FLOAT, "P", "S"), models.value("i", models.INT64, "M", 1),
                                  models.value("u", models.FLOAT, "M", "S")], [models.value("y", models.FLOAT, "P", "S")])
    return tenon.Session(tenon.compile(model)).run(None, {"x": data, "i": indices, "u": updates})[0]


def test_indices_outside_are_left_out():
    data = np.zeros((3, 20), np.float32)
    indices = np.array([[1], [7], [-1], [-9], [2**40]])
    updates = np.arange(1, 6, dtype=np.float32)[:, None] * np.ones((1, 20), np.float32)
    np.testing.assert_array_equal(run("none", data, indices, updates)[:, 3], [0, 1, 3])


def test_updates_of_one_row_add_up_in_order():
    rng = np.random.default_rng(0)
    data, updates = rng.standard_normal((5, 37), np.float32), rng.standard_normal((64, 37), np.float32)
    indices = rng.integers(0, 5, (64, 1))
    expected = data.copy()
    for index, update in zip(indices[:, 0], updates):
        expected[index] += update
    np.testing.assert_array_equal(run("add", data, indices, updates), expected)


def test_nothing_to_scatter():
    empty = np.zeros((0, 4), np.float32)
    assert run("none", empty, np.zeros((2, 1), np.int64), np.ones((2, 4), np.float32)).shape == (0, 4)
    assert run("add", empty.reshape(0, 4), np.zeros((0, 1), np.int64), empty).shape == (0, 4)
