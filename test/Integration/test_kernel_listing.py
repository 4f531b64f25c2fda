"""`tenon inspect --kernels`: what the listing says of every kernel of a model compiled for a GPU. Needs no GPU."""
import json
import subprocess
import sys

import pytest

from conftest import ROOT, built
from plan_file import rows, sign

NAMES = ["mlp", "mobilenetv2", "bert_base"]
REPORTED = ["tactic", "why", "family", "predicted_us", "best_us", "worst_us", "error_bar", "roofline_us", "bound",
            "flops", "bytes", "nodes", "resources", "source"]


def compile_for_h100(tenon, model, plan):
    done = subprocess.run([tenon, "compile", model, "-o", plan, "--target=cuda", "--device=h100", "--keep-source"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def listing(tenon, plan, *options):
    done = subprocess.run([tenon, "inspect", plan, "--kernels", "--format=json", *options], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_described(name, tenon, models, tmp_path):
    plan = tmp_path / "model.tenon"
    compile_for_h100(tenon, models(f"{name}_tiny"), plan)
    described = listing(tenon, plan)
    assert described["device"] == "h100 (NVIDIA H100 SXM5 80 GB)"
    assert [code["arch"] for code in described["code"]] == ["sm_90a"]
    for kernel in described["ranks"][0]["kernel_list"]:
        missing = [key for key in REPORTED if key not in kernel]
        assert not missing, f"{kernel['name']} lacks {missing}"
        assert kernel["best_us"] <= kernel["predicted_us"] <= kernel["worst_us"]
        assert kernel["name"] in kernel["source"] and "__global__" in kernel["source"]
        resources, = kernel["resources"]
        assert resources["arch"] == "sm_90a" and 0 < resources["registers"] <= 255 and resources["spill_bytes"] == 0
        assert kernel["family"] != "unknown", kernel


def test_predictions_follow_shape_and_device(tenon, models, tmp_path):
    plan = tmp_path / "model.tenon"
    compile_for_h100(tenon, models("bert_base_tiny"), plan)

    def predicted(*options):
        return listing(tenon, plan, *options)["ranks"][0]["predicted_us"]

    assert predicted("--shape", "input_ids=512x16") > 2 * predicted("--shape", "input_ids=1x16")
    assert predicted("--shape", "input_ids=512x16", "--device=l4") > predicted("--shape", "input_ids=512x16")


@pytest.mark.full  # a time: nothing else may run
def test_compile_time_bars():
    done = subprocess.run([sys.executable, ROOT / "test/Bench/cuda_compile_time.py", "--build", built(".")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_damaged_notes_are_refused_by_those_who_read_them(tenon, models, tmp_path):
    plan = tmp_path / "model.tenon"
    subprocess.run([tenon, "compile", models("mlp_tiny"), "-o", plan], check=True, stdout=subprocess.DEVNULL)
    data = bytearray(plan.read_bytes())
    (offset, length), = [(offset, length) for kind, offset, length, _ in rows(data) if kind == "KERNELS"]
    for damage in [b"x", b"[" * length, bytes(length)]:
        data[offset:offset + len(damage)] = damage
        plan.write_bytes(sign(data))
        done = subprocess.run([tenon, "inspect", plan, "--kernels"], capture_output=True, text=True)
        assert done.returncode == 5 and "TN6022" in done.stderr, done.stderr
        subprocess.run([tenon, "bench", plan, "--iterations=1"], check=True, stdout=subprocess.DEVNULL)
