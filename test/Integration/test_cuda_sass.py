"""The machine code of CUDA kernels holds the instructions that their templates are made for. Needs no GPU."""
import json
import re
import struct
import subprocess
import sys

import pathlib
import pytest

import plan_file
import tool

# By family of the cost model: what a kernel must contain, and what would show that a fast path was lost.
EXPECTED = {
    "gemm_wgmma": ["HGMMA", "UTMALDG", "SYNCS"],
    "conv_wgmma": ["HGMMA", "UTMALDG", "LDGSTS", "SYNCS"],
    "gemm_mma": ["HMMA", "LDGSTS", "LDSM"],
    "conv_mma": ["HMMA", "LDGSTS"],
    "gemm_simt": ["FFMA", "LDGSTS", "LDS.128"],
    "conv_simt": ["FFMA", "LDGSTS", "LDS.128"],
    "attention_simt": ["FFMA", "MUFU.EX2"],
    "attention_mma": ["HMMA", "MUFU.EX2"],
    "attention_wgmma": ["HGMMA", "UTMALDG", "MUFU.EX2"],
}
CASES = [
    ("bert_base_tiny", "sm_80", "fp32", {"gemm_simt"}),
    ("bert_base_tiny", "sm_80", "fp16", {"gemm_mma"}),
    ("bert_base_tiny", "sm_90a", "bf16", {"gemm_wgmma", "gemm_mma"}),
    ("gpt2_small_tiny", "sm_90a", "fp32", {"attention_simt"}),
    ("gpt2_small_tiny", "sm_89", "fp16", {"attention_mma"}),
    ("resnet50_tiny", "sm_100a", "fp32", {"conv_simt"}),
    ("resnet50_tiny", "sm_86", "tf32", {"conv_mma"}),
    ("resnet50_tiny", "sm_90a", "fp16", {"conv_wgmma"}),
]


def nvdisasm():
    """Of the package nvidia-cuda-nvdisasm, beside the Python that runs this."""
    found = sorted(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/nvidia/*/bin/nvdisasm"))
    assert found, "cmake/requirements.txt was not installed"
    found[0].chmod(0o755)
    return found[0]


def functions(plan, tmp_path):
    """Machine code by kernel."""
    data = plan.read_bytes()
    (start, length), = [(offset, length) for kind, offset, length, _ in plan_file.rows(data) if kind == "CODE"]
    archive = data[start:start + length]
    _, count = struct.unpack_from("<QQ", archive)
    code = {}
    for i in range(count):
        offset, size = struct.unpack_from("<QQ", archive, 16 + 16 * i)
        path = tmp_path / f"{i}.cubin"
        path.write_bytes(archive[offset:offset + size])
        text = subprocess.run([nvdisasm(), "-c", path], check=True, capture_output=True, text=True).stdout
        parts = re.split(r"^\.text\.(\w+):$", text, flags=re.M)
        code.update(zip(parts[1::2], parts[2::2]))
    return code


@pytest.mark.parametrize("name, arch, precision, wanted", CASES)
def test_kernels_use_the_instructions_of_their_template(name, arch, precision, wanted, tenon, models, tmp_path):
    plan = tmp_path / "cuda.tenon"
    tool.succeed(tenon, "compile", models(name), "-o", plan, "--target=cuda", f"--arch={arch}",
                 *([f"--precision={precision}"] if precision != "fp32" else []))
    listing = json.loads(subprocess.run([tenon, "inspect", plan, "--kernels", "--format=json"], check=True,
                                        capture_output=True, text=True).stdout)
    code, seen = functions(plan, tmp_path), set()
    for kernel in listing["ranks"][0]["kernel_list"]:
        text = code[kernel["name"]]
        for instruction in EXPECTED.get(kernel["family"], []):
            assert re.search(rf"\b{re.escape(instruction)}\b", text), f"{kernel['name']} ({kernel['family']}): no {instruction}"
        seen.add(kernel["family"])
    assert wanted <= seen, seen
