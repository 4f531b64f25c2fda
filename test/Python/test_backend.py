"""tenon.backend, the interface of onnx.backend.base."""
import numpy as np
import onnx
import pytest

import models
import tenon
import tenon.backend


def test_runs_a_model_by_position_and_by_name(mlp, x):
    rep = tenon.backend.prepare(mlp)
    by_position, by_name = rep.run([x]), rep.run({"input": x})
    assert isinstance(by_position, tuple) and len(by_position) == 1
    np.testing.assert_array_equal(by_position[0], by_name[0])


def test_runs_a_node():
    node = onnx.helper.make_node("Sub", ["a", "b"], ["c"])
    outputs = tenon.backend.run_node(node, [np.float32([5, 7]), np.float32([1])])
    np.testing.assert_array_equal(outputs[0], np.float32([4, 6]))


def test_runs_a_node_with_an_absent_operand():
    node = onnx.helper.make_node("Clip", ["x", "", "high"], ["y"])
    outputs = tenon.backend.run_node(node, [np.float32([5, 7]), np.float32(6)])
    np.testing.assert_array_equal(outputs[0], np.float32([5, 6]))


def test_a_wrong_number_of_inputs_is_an_error(mlp):
    with pytest.raises(ValueError):
        tenon.backend.prepare(mlp).run([])


def test_refuses_by_name():
    with pytest.raises(tenon.Error) as caught:
        tenon.backend.prepare(models.unknown_op())
    assert caught.value.code.startswith("TN1")
    with pytest.raises(ValueError):
        tenon.backend.prepare(models.unknown_op(), "TPU")


def test_devices():
    assert tenon.backend.supports_device("CPU") and not tenon.backend.supports_device("TPU")
