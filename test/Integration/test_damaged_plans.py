"""A damaged plan is refused with a code, a reason and a remedy, before anything of it runs."""
import pathlib
import random
import struct
import subprocess
import sys

import numpy as np
import pytest

import plan_file
import tool

HERE = pathlib.Path(__file__).parent


def run_damaged(tenon, data, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "damaged.tenon").write_bytes(data)
    np.save(folder / "x.npy", np.zeros((1, 784), np.float32))
    done = tool.run(tenon, "run", folder / "damaged.tenon", "--input", f"input={folder / 'x.npy'}",
                    f"--output-dir={folder / 'out'}", timeout=30)
    assert not list(folder.glob("out/*")), "an output was written"
    return done


def load_many(library, plan, mode, seed, count):
    done = subprocess.run([sys.executable, HERE / "load_damaged.py", library, plan, mode, str(seed), str(count)],
                          capture_output=True, text=True, timeout=600)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"ended with {done.returncode} at: {lines[-1:]}\n{done.stderr[-2000:]}"
    return dict(line.rsplit(": ", 1) for line in lines)


def test_truncated_at_every_boundary(tenon, compiled, tmp_path):
    data = compiled("mlp_tiny").read_bytes()
    cuts = {0, 1, 8, plan_file.HEADER, plan_file.PAGE, len(data) - 1}
    for _, offset, length, at in plan_file.rows(data):
        cuts |= {at, offset, offset + length // 2, offset + length}
    for cut in sorted(cuts - {len(data)}):
        tool.assert_refused(run_damaged(tenon, data[:cut], tmp_path / str(cut)), codes=[5])
    tool.assert_refused(run_damaged(tenon, data + bytes(1), tmp_path / "longer"), codes=[5])


def test_a_thousand_bit_flips(runtime_library, compiled):
    """Digests cover the header and every section, and padding must be zero: each flip is seen."""
    found = load_many(runtime_library, compiled("mlp_tiny"), "flip", 1, 1000)
    wrong = {what: code for what, code in found.items() if not code.startswith("TN6") or " " in code}
    assert not wrong, wrong
    assert len(found) > 900


def test_bit_flips_through_the_tool(tenon, compiled, tmp_path):
    data, rng = compiled("mlp_tiny").read_bytes(), random.Random(2)
    for _ in range(10):
        bit = rng.randrange(len(data) * 8)
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        tool.assert_refused(run_damaged(tenon, bytes(damaged), tmp_path / str(bit)), codes=[3, 5])


def test_damage_behind_right_digests(runtime_library, compiled):
    """The verifier alone stands between a wrong plan and the executor: any word of PLAN may be wrong, none may crash it."""
    found = load_many(runtime_library, compiled("mlp_tiny"), "resign", 3, 1000)
    refused = [code for code in found.values() if code != "loaded"]
    assert all(code.startswith(("TN6", "TN7", "TN8")) and " " not in code for code in refused), sorted(set(refused))
    assert len(refused) > len(found) // 4, "the verifier refuses next to nothing"


def test_damaged_scripts_behind_right_digests(runtime_library, tenon, tmp_path):
    """The same for a script: a loop and a sequence."""
    subprocess.run([sys.executable, HERE.parent / "Tools/Inputs/models.py", tmp_path, "repeated"], check=True)
    tool.succeed(tenon, "compile", tmp_path / "repeated.onnx", "-o", tmp_path / "script.tenon")
    found = load_many(runtime_library, tmp_path / "script.tenon", "resign", 4, 2000)
    refused = [code for code in found.values() if code != "loaded"]
    assert all(code.startswith(("TN6", "TN7", "TN8")) and " " not in code for code in refused), sorted(set(refused))
    assert len(refused) > len(found) // 4, "the verifier refuses next to nothing"


@pytest.mark.parametrize("field, value", [
    ("offset", 1 << 62), ("offset", 0), ("offset", 4097), ("offset", (1 << 64) - 4096),
    ("length", 1 << 62), ("length", (1 << 64) - 1), ("kind", 77)])
def test_out_of_range_sections(field, value, tenon, compiled, tmp_path):
    data = bytearray(compiled("mlp_tiny").read_bytes())
    for index, (_, _, _, at) in enumerate(plan_file.rows(data)):
        damaged = bytearray(data)
        position, form = {"kind": (0, "<I"), "offset": (8, "<Q"), "length": (16, "<Q")}[field]
        struct.pack_into(form, damaged, at + position, value)
        damaged[plan_file.DIGEST] = bytes(32)
        damaged[plan_file.DIGEST] = plan_file.hashlib.sha256(bytes(damaged[:plan_file.PAGE])).digest()
        tool.assert_refused(run_damaged(tenon, bytes(damaged), tmp_path / str(index)), codes=[3, 5])


@pytest.mark.parametrize("position, form, value", [(8, "<I", 99), (16, "<Q", 1 << 40), (32, "<I", 1 << 20)])
def test_foreign_headers(position, form, value, tenon, compiled, tmp_path):
    """A later version, a required feature of tomorrow, an absurd number of sections."""
    damaged = bytearray(compiled("mlp_tiny").read_bytes())
    struct.pack_into(form, damaged, position, value)
    damaged[plan_file.DIGEST] = bytes(32)
    damaged[plan_file.DIGEST] = plan_file.hashlib.sha256(bytes(damaged[:plan_file.PAGE])).digest()
    tool.assert_refused(run_damaged(tenon, bytes(damaged), tmp_path), codes=[3, 5])
