"""Calls of cuBLASLt and cuDNN, and `tenon tune --target=cuda`, without a GPU: on mocks of NVRTC (which compiles for the
virtual GPU), of the driver (which runs that, and has a clock of its own), and of the libraries (which compute on the host).
"""
import glob
import json
import os
import pathlib
import subprocess
import sys

import pytest
from conftest import BUILD, ROOT, built

MOCKS = "test/Unit/Runtime"


@pytest.fixture(scope="module")
def mocks():
    """The environment of a machine that seems to have a GPU."""
    libraries = str(built(f"{MOCKS}/libmock_cuda_libraries.so"))
    return {**os.environ, "TENON_NVRTC": str(built(f"{MOCKS}/libmock_nvrtc.so")),
            "TENON_CUDA_DRIVER": str(built(f"{MOCKS}/libmock_cuda.so")),
            "TENON_CUBLASLT": libraries, "TENON_CUDNN": libraries,
            "TENON_CUDA_GRAPHS": "0"}  # the mock captures calls, not kernels: RuntimeTests does


def test_libraries_are_declared_as_in_their_headers():
    folders = [pathlib.Path(folder) / "include" for folder in (os.environ.get("CUDA_HOME", "/usr/local/cuda"),
                                                              *sorted(glob.glob("/usr/local/cuda-*"), reverse=True))]
    found = [folder for folder in folders if (folder / "cublasLt.h").exists() and (folder / "cudnn.h").exists()]
    if not found:
        pytest.skip("no headers of cuBLASLt and cuDNN")
    run(None, "clang++-22", "-std=c++20", "-fsyntax-only", f"-I{ROOT}/include", f"-I{ROOT}/lib/Runtime/devices/cuda",
        f"-isystem{found[0]}", ROOT / "test/Device/library_headers.cpp")


def run(environment, *command):
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kernels(tenon, plan):
    listing = json.loads(run(None, tenon, "inspect", plan, "--kernels", "--format=json"))
    return listing["ranks"][0]["kernel_list"]


@pytest.mark.parametrize("tactics", ["own", "libraries"])
@pytest.mark.parametrize("name", ["mlp", "cifar10_cnn", "bert_base"])
def test_models_agree_with_the_reference(name, tactics, tenon, models, mocks):
    run(mocks, tenon, "verify", models(f"{name}_tiny"), "--target=cuda", "--arch=sm_90a", f"--tactics={tactics}")


def test_what_has_no_cuda_kernel_runs_on_the_processor(tenon, mocks, tmp_path):
    run(None, sys.executable, ROOT / "test/Tools/Inputs/models.py", tmp_path, "running_sum")
    model, plan = tmp_path / "running_sum.onnx", tmp_path / "plan.tenon"
    run(mocks, tenon, "verify", model, "--target=cuda", "--arch=sm_90a")
    done = subprocess.run([tenon, "compile", model, "--target=cuda", "-o", plan], env=mocks, capture_output=True, text=True)
    assert "note: no kernel of target cuda for node 'running': it runs on the processor, with copies" in done.stderr
    host = json.loads(run(None, tenon, "inspect", plan, "--format=json"))["host"]
    assert [kernel["nodes"] for kernel in host["kernels"]] == [["running"]]
    assert host["copies"] == 2 and host["bytes_to_device"] == 24 and host["bytes_to_host"] == 24


@pytest.mark.parametrize("precision", ["tf32", "fp16", "bf16"])
@pytest.mark.parametrize("name", ["mlp", "cifar10_cnn", "bert_base"])
def test_reduced_precision_by_libraries(name, precision, tenon, models, mocks):
    run(mocks, tenon, "verify", models(f"{name}_tiny"), "--target=cuda", "--arch=sm_90a", "--tactics=libraries",
        f"--precision={precision}")


def test_the_listing_says_who_computes_and_why(tenon, models, mocks, tmp_path):
    plan = tmp_path / "model.tenon"
    run(mocks, tenon, "compile", models("bert_base_tiny"), "--target=cuda", "--tactics=libraries", "--keep-source", "-o", plan)
    called = [k for k in kernels(tenon, plan) if k["tactic"] == "cublaslt"]
    own = [k for k in kernels(tenon, plan) if k["tactic"].startswith("gemm_")]
    assert called and own
    for kernel in called:
        assert kernel["why"] == "asked for by --tactics=libraries" and kernel["family"] == "cublaslt"
        assert kernel["threads"] == 0 and kernel["resources"] == [] and "// cublasLtMatmul: " in kernel["source"]
        assert 0 < kernel["best_us"] <= kernel["predicted_us"] <= kernel["worst_us"]
    assert all("; no library: no library has its epilogue" in kernel["why"] for kernel in own)


def test_without_timings_kernels_are_our_own(tenon, models, mocks, tmp_path):
    plans = []
    for options in [[], ["--tactics=own"]]:
        plans.append(tmp_path / f"{len(plans)}.tenon")
        run(mocks, tenon, "compile", models("mlp_tiny"), "--target=cuda", "-o", plans[-1], *options)
    assert plans[0].read_bytes() == plans[1].read_bytes()


def test_a_plan_that_needs_a_missing_library_is_refused(tenon, models, mocks, tmp_path):
    plan = tmp_path / "model.tenon"
    run(mocks, tenon, "compile", models("mlp_tiny"), "--target=cuda", "--tactics=libraries", "-o", plan)
    lacking = {**mocks, "TENON_CUBLASLT": "/nonexistent/libcublasLt.so"}
    done = subprocess.run([tenon, "bench", plan, "--iterations=1"], env=lacking, capture_output=True, text=True)
    assert done.returncode == 6 and "TN8004" in done.stderr, done.stderr
    assert "calls cuBLASLt, which cannot be opened: /nonexistent/libcublasLt.so" in done.stderr
    assert "remedy: install it, or compile with --tactics=own" in done.stderr


@pytest.mark.parametrize("target", ["vgpu", "cpu"])
def test_other_targets_have_no_libraries(target, tenon, models, tmp_path):
    plan = tmp_path / "model.tenon"
    done = subprocess.run([tenon, "compile", models("mlp_tiny"), f"--target={target}", "--tactics=libraries", "-o", plan],
                          capture_output=True, text=True)
    assert done.returncode == 3 and f"TN5013: target '{target}' has no libraries" in done.stderr, done.stderr
    assert not plan.exists()


def tune(environment, tenon, model, timings, *options):
    out = run(environment, tenon, "tune", model, "--target=cuda", f"--timings={timings}", "--iterations=2", "--warm-up=0",
              "--format=json", *options)
    return json.loads(out), [json.loads(line) for line in timings.read_text().splitlines()]


def compile_tuned(environment, tenon, model, timings, plan, *options):
    run(environment, tenon, "compile", model, "--target=cuda", "--device=h100", f"--timings={timings}", "-o", plan, *options)
    return {k["name"].split("_", 1)[1]: k for k in kernels(tenon, plan) if k["why"].startswith("measured on h100: ")}


def test_tuned_plans_take_what_was_faster(tenon, models, mocks, tmp_path):
    """A call takes 5 us by the mock's clock, a kernel 10 us and 0.1 us a block."""
    model, timings = models("cifar10_cnn_tiny"), tmp_path / "timings.jsonl"
    result, lines = tune(mocks, tenon, model, timings)
    assert result["device"] == "h100" and result["skipped"] == []
    assert {line["tactic"].split()[0] for line in lines} == {"conv_simt", "gemm_simt", "cublaslt", "cudnn"}
    problems = {(line["key"], line["size"]) for line in lines}
    for key, size in problems:
        times = {line["tactic"]: line["median_us"] for line in lines if (line["key"], line["size"]) == (key, size)}
        assert len(times) == 4 and sum(tactic in ("cublaslt", "cudnn") for tactic in times) == 1
    plan = tmp_path / "tuned.tenon"
    tuned = compile_tuned(mocks, tenon, model, timings, plan)
    assert {kernel["tactic"] for kernel in tuned.values()} == {"cublaslt", "cudnn"}
    run(mocks, tenon, "verify", model, "--target=cuda", "--device=h100", "--tactics=libraries")
    run(mocks, tenon, "bench", plan, "--iterations=3")
    own = compile_tuned(mocks, tenon, model, timings, plan, "--tactics=own")
    assert own and all(kernel["family"] in ("conv_simt", "gemm_simt") for kernel in own.values())


def test_slow_libraries_are_not_taken(tenon, models, mocks, tmp_path):
    model, timings = models("mlp_tiny"), tmp_path / "timings.jsonl"
    slow = {**mocks, "TENON_MOCK_LIBRARY_US": "1000"}
    _, lines = tune(slow, tenon, model, timings, "--shape=input=500x784")
    assert all(line["median_us"] > 999 for line in lines if line["tactic"] == "cublaslt")
    tuned = compile_tuned(slow, tenon, model, timings, tmp_path / "tuned.tenon", "--shape=input=500x784")
    for kernel in tuned.values():  # the fewest blocks
        least = min((line["median_us"], line["tactic"]) for line in lines
                    if line["problem"].startswith(kernel["name"].split("_", 1)[1] + ","))
        assert kernel["tactic"] == least[1], kernel["why"]
    run(mocks, tenon, "bench", tmp_path / "tuned.tenon", "--iterations=1")


def test_tuning_says_what_it_could_not_measure(tenon, models, mocks, tmp_path):
    lacking = {**mocks, "TENON_CUBLASLT": "/nonexistent/libcublasLt.so"}
    result, lines = tune(lacking, tenon, models("mlp_tiny"), tmp_path / "timings.jsonl")
    assert len(result["skipped"]) == 1 and result["skipped"][0].startswith("cublaslt: ")
    assert lines and all(line["tactic"].startswith("gemm_simt") for line in lines)
    done = subprocess.run([tenon, "tune", models("mlp_tiny"), "--target=cuda", f"--timings={tmp_path / 'more.jsonl'}",
                           "--tactics=libraries"], env=lacking, capture_output=True, text=True)
    assert done.returncode == 6 and "TN8004" in done.stderr


def test_a_library_that_refuses_a_problem_is_left_out(tenon, models, mocks, tmp_path):
    refusing = {**mocks, "TENON_MOCK_FAIL_LIBRARY": "cublasLtMatmulAlgoGetHeuristic=15"}
    result, lines = tune(refusing, tenon, models("mlp_tiny"), tmp_path / "timings.jsonl")
    assert len(result["skipped"]) == 1 and "CUBLAS_STATUS_NOT_SUPPORTED" in result["skipped"][0]
    assert lines and all(line["tactic"].startswith("gemm_simt") for line in lines)


def test_a_bundle_is_tuned_without_a_compiler(tenon, models, mocks, tmp_path):
    """Plans from here, times from a machine with a GPU alone."""
    bundle, timings = tmp_path / "bundle", tmp_path / "timings.jsonl"
    run(mocks, sys.executable, ROOT / "test/Gpu/make_bundle.py", "--build", BUILD, "--out", bundle, "--precision=fp32",
        "-k", "dense_40")
    out = run(mocks, sys.executable, bundle / "run_bundle.py", "--library", built("lib/libtenon_runtime.so").parent,
              "--limit=3e6", "--no-times", "--timings", timings)
    assert out.splitlines()[-1] == "15 passed, 0 failed", out  # 3 sizes, of each plan
    lines = [json.loads(line) for line in timings.read_text().splitlines()]
    assert len(lines) == 4 and {line["tactic"].split()[0] for line in lines} == {"gemm_simt", "cublaslt"}
    lacking = {**mocks, "TENON_CUBLASLT": "/nonexistent/libcublasLt.so"}
    out = run(lacking, sys.executable, bundle / "run_bundle.py", "--library", built("lib/libtenon_runtime.so").parent,
              "--limit=3e6", "--no-times", "--timings", timings)
    assert "not measured: dense_40x72.fp32, cublaslt: " in out and "12 passed, 0 failed" in out
    assert "cublaslt" not in timings.read_text()


def test_tuning_is_for_the_gpu_that_is_there(tenon, models, mocks, tmp_path):
    ampere = {**mocks, "TENON_MOCK_CAPABILITY": "8.0"}
    timings = tmp_path / "timings.jsonl"
    done = subprocess.run([tenon, "tune", models("mlp_tiny"), "--target=cuda", f"--timings={timings}"], env=ampere,
                          capture_output=True, text=True)
    assert done.returncode == 6 and "TN8002" in done.stderr and not timings.exists(), done.stderr
    result, _ = tune(ampere, tenon, models("mlp_tiny"), timings, "--device=a100", "--tactics=own")
    assert result["device"] == "a100"
