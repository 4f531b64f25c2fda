"""The bundle for machines with a GPU, made for the virtual one and run here."""
import subprocess
import sys

import numpy as np
import pytest

from conftest import BUILD, ROOT, built


@pytest.fixture(scope="module")
def bundle(tenon, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu") / "bundle"
    subprocess.run([sys.executable, ROOT / "test/Gpu/make_bundle.py", "--build", BUILD, "--out", folder, "--target=vgpu",
                    "-k", "dense_40", "-k", "softmax"], check=True, capture_output=True)
    return folder


def run(bundle, *options):
    """The last line, and everything."""
    done = subprocess.run([sys.executable, bundle / "run_bundle.py", "--library", built("lib/libtenon_runtime.so").parent,
                           "--limit=3e6", *options], capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.stdout.strip().splitlines()[-1], done


def test_every_precision_agrees_with_numpy(bundle):
    last, done = run(bundle, "--no-times")
    assert done.returncode == 0 and last == "27 passed, 0 failed", done.stdout


def test_shows_times_without_a_peer(bundle):
    last, done = run(bundle, "-k", "dense_40")
    assert last == "12 passed, 0 failed", done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("dense_40x72")]
    assert [row[1] for row in rows] == ["fp32", "tf32", "fp16", "bf16"] and all(float(row[2]) > 0 for row in rows)


def test_a_wrong_result_fails(bundle):
    path = bundle / "plans" / "dense_40x72.npz"
    saved = path.read_bytes()
    weights = dict(np.load(path))
    weights["b"] += 1
    np.savez(path, **weights)
    last, done = run(bundle, "--no-times", "-k", "dense_40")
    path.write_bytes(saved)
    assert done.returncode == 1 and last == "0 passed, 12 failed", done.stdout
