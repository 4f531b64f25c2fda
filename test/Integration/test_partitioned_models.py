"""Models over ranks against one device: every way to split, on threads and as MPI processes."""
import os
import signal
import subprocess

import numpy as np
import pytest

import partitioned
import tool

QUICK = {  # what stands in for the whole table of test/Bench/partition_equality.py
    "mlp_tiny": [(8, "data:2,tensor:2,pipeline:2"), (1, "data:1")],
    "bert_base_tiny": [(2, "data:2"), (6, "tensor:6"), (4, "tensor:2,pipeline:2")],
    "gpt2_small_tiny": [(3, "tensor:3")],
    "llama_block_op23_tiny": [(2, "tensor:2")],
    "mobilenetv2_tiny": [(3, "tensor:3"), (8, "data:8")],
    "resnet50_tiny": [(4, "data:2,tensor:2")],
    "wide_resnet28_10_tiny": [(3, "pipeline:3")],
    "bilstm_tiny": [(4, "data:4")],
}


@pytest.mark.parametrize("name", QUICK)
def test_ranks_compute_what_one_device_does(name, tenon, tmp_path):
    case = partitioned.make_case(tenon, name, tmp_path)
    for ranks, plan in QUICK[name]:
        case.check(ranks, plan)


@pytest.mark.full
@pytest.mark.parametrize("name", partitioned.MODELS)
def test_every_plan_over_threads_and_processes(name, tenon, tmp_path):
    case = partitioned.make_case(tenon, name, tmp_path)
    for ranks, plans in partitioned.PLANS.items():
        for plan in plans:
            case.check(ranks, plan, ("threads", "mpi"))


@pytest.mark.parametrize("parallel", ["data:4", "tensor:4", "pipeline:4", "data:2,tensor:2"])
def test_every_rank_works(parallel, tenon, tmp_path):
    case = partitioned.make_case(tenon, "bert_base_tiny", tmp_path)
    plan = tmp_path / "ranks.tenon"
    partitioned.compile_over(tenon, case.model, plan, 4, parallel, tmp_path, *partitioned.OPTIONS)
    shape = [f"--shape={name}=4x16" for name in case.feeds]
    flops = [rank["flops"] for rank in partitioned.ranks_of(tenon, plan, *shape)]
    assert len(flops) == 4 and min(flops) >= 0.1 * sum(flops), flops


def test_a_reader_who_has_had_enough_is_no_error(models, tenon):
    command = [str(tenon), "partition", str(models("mlp_tiny")), "--devices=h100"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdout.close()
    assert "TN9012" not in child.stderr.read()
    assert child.wait() in (128 + signal.SIGPIPE, -signal.SIGPIPE)


def test_a_model_without_operations_is_not_split(tenon, tmp_path):
    from onnx import TensorProto, helper, save
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    partitioned.compile_over(tenon, tmp_path / "m.onnx", tmp_path / "m.tenon", 2, "auto", tmp_path)
    done = tool.run(tenon, "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.tenon",
                    f"--devices={tmp_path / 'cpu2.json'}", "--parallel=data:2")
    assert done.returncode == 2 and "TN4020: the model has no operation" in done.stderr, tool.describe(done)


def test_processes_started_by_a_name_on_the_path_find_their_transport(models, tenon, tmp_path):
    plan = tmp_path / "m.tenon"
    partitioned.compile_over(tenon, models("mlp_tiny"), plan, 2, "tensor:2", tmp_path)
    np.save(tmp_path / "x.npy", np.ones((3, 784), np.float32))
    environment = os.environ | {"PATH": f"{tenon.parent}:{os.environ['PATH']}"}
    environment.pop("TENON_DEVICE_PATH", None)
    done = subprocess.run([*partitioned.mpirun(2), tenon.name, "run", plan, "--input", f"input={tmp_path / 'x.npy'}",
                           f"--output-dir={tmp_path / 'out'}"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
