"""Every CUDA kernel of a model compiles for every architecture, without spills. Needs no GPU."""
import re
import subprocess

import pytest

from conftest import built

TINY = ["mlp", "cifar10_cnn", "mobilenetv2", "resnet50", "bert_base", "gpt2_small", "llama_block_op23", "bilstm"]
# Registers of a thread. The launch bounds of generated kernels leave 80, of those with blocks of 512 threads 128. A template
# may fill a multiprocessor with one block of 256 threads (255); 64 sums and two sets of operands need 200.
BUDGET = {"generated": 128, "templates": 200}
FULL = ["resnet50", "bert_base", "ch_PP-OCRv4_det_infer.onnx", "320n.onnx"]


def check(tenon, model, tmp_path, *options):
    ir = tmp_path / "dispatch.mlir"
    subprocess.run([tenon, "compile", model, "--target=cuda", "--stop-after=dispatch", "-o", ir, *options], check=True)
    done = subprocess.run([built("bin/tenon-translate"), "--graph-to-cuda-resources", ir], check=True,
                          capture_output=True, text=True)
    assert re.search(r"[1-9]\d* kernels, 5 architectures, 0 spill bytes, 0 waits for wgmma\n", done.stdout), done.stdout
    most = {kind: int(n) for kind, n in re.findall(r"(\w+): at most (\d+) registers", done.stdout)}
    assert most and all(n <= BUDGET[kind] for kind, n in most.items()), done.stdout


@pytest.mark.parametrize("name", TINY)
def test_kernels_of_small_models(name, tenon, models, tmp_path):
    check(tenon, models(f"{name}_tiny"), tmp_path)


@pytest.mark.parametrize("name", ["mobilenetv2", "resnet50", "bert_base"])
def test_kernels_of_reduced_precision(name, tenon, models, tmp_path):
    check(tenon, models(f"{name}_tiny"), tmp_path, "--precision=fp16")


@pytest.mark.full
@pytest.mark.parametrize("name", FULL)
def test_kernels_of_full_models(name, tenon, models, tmp_path):
    check(tenon, models(name), tmp_path)
