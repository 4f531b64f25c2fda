"""tenon.compile and tenon.Plan."""
import numpy as np
import onnx
import pytest

import models
import tenon


def test_takes_a_path_a_proto_and_bytes(mlp, tmp_path):
    path = tmp_path / "mlp.onnx"
    onnx.save(mlp, path)
    plans = [tenon.compile(given) for given in (path, str(path), mlp, mlp.SerializeToString())]
    assert len({plan.path.read_bytes() for plan in plans}) == 1


def test_a_temporary_plan_goes_with_its_object(mlp):
    plan = tenon.compile(mlp)
    path = plan.path
    assert path.exists()
    del plan
    assert not path.parent.exists()


def test_a_session_outlives_its_plan(mlp, x):
    session = tenon.Session(tenon.compile(mlp))
    assert session.run(None, {"input": x})[0].shape == (5, 10)


def test_save_writes_the_plan(plan, tmp_path):
    plan.save(tmp_path / "a.tenon")
    assert (tmp_path / "a.tenon").read_bytes() == plan.path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["a.tenon"]


def test_save_into_an_absent_folder_is_an_error(plan, tmp_path):
    with pytest.raises(tenon.Error) as caught:
        plan.save(tmp_path / "absent" / "a.tenon")
    assert caught.value.code == "TN6020" and caught.value.remedy


def test_threads_become_the_plan_s_default(mlp):
    plan = tenon.compile(mlp, threads=1)
    assert tenon.Session(plan).threads == 1
    assert tenon.Session(plan, threads=2).threads == 2


def test_archs_and_jobs(mlp):
    plan = tenon.compile(mlp, archs=["x86-64-v3"], jobs=1)
    assert tenon.Session(plan).arch == "x86-64-v3"


def test_fixed_shapes_serve_one_size(mlp, x):
    session = tenon.Session(tenon.compile(mlp, fixed_shapes={"input": (2, 784)}))
    assert session.inputs[0].shape == (2, 784)
    assert session.run(None, {"input": x[:2]})[0].shape == (2, 10)
    with pytest.raises(tenon.Error, match="TN7"):
        session.run(None, {"input": x})


@pytest.mark.parametrize("parallel", ["data:2", "tensor:2", "pipeline:2", "data:2,tensor:2"])
def test_ranks_compute_what_one_device_does(mlp, x, parallel, tmp_path):
    (tmp_path / "cluster.json").write_text('{"devices": [{"kind": "cpu", "count": 4}]}')
    plan = tenon.compile(mlp, devices=tmp_path / "cluster.json", parallel=parallel)
    np.testing.assert_allclose(tenon.Session(plan).run(None, {"input": x})[0],
                               tenon.Session(tenon.compile(mlp)).run(None, {"input": x})[0], rtol=1e-5, atol=1e-6)


def test_more_ranks_than_devices_are_an_error(mlp, tmp_path):
    (tmp_path / "cluster.json").write_text('{"devices": [{"kind": "cpu", "count": 2}]}')
    with pytest.raises(tenon.Error) as caught:
        tenon.compile(mlp, devices=tmp_path / "cluster.json", parallel="data:4")
    assert caught.value.code == "TN4022"


def test_an_error_names_code_node_reason_and_remedy():
    with pytest.raises(tenon.Error) as caught:
        tenon.compile(models.unknown_op())
    error = caught.value
    assert error.node == "there" and "NoSuchOp" in error.reason and error.remedy
    assert str(error).startswith(error.code + ": node 'there': ")


@pytest.mark.parametrize("given, code", [(b"", "TN1"), (b"\x00" * 64, "TN1"), ("/nonexistent/m.onnx", "TN1001")])
def test_what_is_no_model_is_an_error(given, code):
    with pytest.raises(tenon.Error, match=code):
        tenon.compile(given)


def test_an_unknown_target_is_an_error(mlp):
    with pytest.raises(tenon.Error, match="abacus"):
        tenon.compile(mlp, target="abacus")


@pytest.mark.parametrize("precision, code", [("fp4", "TN7014"), ("fp16", "TN5012")])
def test_refused_precision(mlp, precision, code):
    """No such precision; none but full on a processor."""
    with pytest.raises(tenon.Error, match=code):
        tenon.compile(mlp, precision=precision)


@pytest.mark.parametrize("options, code", [({"tactics": "cutlass"}, "TN7014"), ({"tactics": "libraries"}, "TN5013"),
                                           ({"device": "h100"}, "TN9003"), ({"device": "no_such"}, "TN9031"),
                                           ({"timings": "/nonexistent/t.jsonl"}, "TN9033")])
def test_refused_tuning(mlp, options, code):
    """No such tactics, none but our own on a processor, a GPU's description for it, no such description, no such file."""
    with pytest.raises(tenon.Error, match=code):
        tenon.compile(mlp, **options)


def test_tuning_options_reach_the_compiler(mlp, tmp_path):
    timings = tmp_path / "timings.jsonl"
    timings.write_text("")
    plan = tenon.compile(mlp, device="xeon-avx512", timings=timings, keep_source=True, tactics="own")
    assert plan.path.stat().st_size > tenon.compile(mlp, device="xeon-avx512").path.stat().st_size
    assert tenon.Session(tenon.compile(mlp, device="cpu-avx2")).arch == "x86-64-v3"


def test_what_cannot_be_a_model_is_a_type_error():
    with pytest.raises(TypeError, match="int"):
        tenon.compile(7)
