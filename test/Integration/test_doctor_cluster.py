"""`tenon doctor --cluster` on machines with GPUs, by the mock of the driver."""
import json
import os
import subprocess

import pytest
from conftest import built


def doctor(tenon, name, devices):
    return subprocess.run([tenon, "doctor", "--cluster"], capture_output=True, text=True,
                          env={**os.environ, "TENON_CUDA_DRIVER": str(built("test/Unit/Runtime/libmock_cuda.so")), "TENON_MOCK_NAME": name,
                               "TENON_MOCK_DEVICES": str(devices)})


@pytest.mark.parametrize("name, kind", [("NVIDIA A100-SXM4-80GB", "a100"), ("NVIDIA H100 80GB HBM3", "h100"),
                                        ("NVIDIA L4", "l4"), ("NVIDIA GeForce RTX 4090", "rtx4090")])
def test_gpus_are_named_by_their_description(tenon, tmp_path, name, kind):
    done = doctor(tenon, name, 4)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["devices"] == [{"kind": kind, "count": 4, "memory_gb": 80}]
    (tmp_path / "cluster.json").write_text(done.stdout, encoding="utf-8")
    (tmp_path / "in.csv").write_text("ranks,bytes\n4,1000000\n", encoding="utf-8")
    subprocess.run([tenon, "simulate", f"--table={tmp_path / 'in.csv'}", f"--devices={tmp_path / 'cluster.json'}",
                    "-o", tmp_path / "out.csv"], check=True)


def test_a_gpu_without_description_is_refused_by_name(tenon):
    done = doctor(tenon, "NVIDIA L40S", 1)
    assert done.returncode == 2 and "TN9031" in done.stderr and "L40S" in done.stderr


def test_a_driver_without_gpus_leaves_the_processor(tenon):
    done = doctor(tenon, "none", 0)
    assert done.returncode == 0 and "cores of this machine" in json.loads(done.stdout)["title"]
