"""`tenon tune` and `tenon compile --timings`: whatever the timings choose, the numbers are the same."""
import json
import subprocess

import numpy as np
import pytest

ROWS = [84, 168, 252, 336]


@pytest.fixture(scope="module")
def mlp(models):
    return models("mlp_tiny")


@pytest.fixture(scope="module")
def measured(tenon, mlp, tmp_path_factory):
    """Lines of a database, all tactics of every product."""
    path = tmp_path_factory.mktemp("timings") / "timings.jsonl"
    subprocess.run([tenon, "tune", mlp, f"--timings={path}", "--iterations=1", "--warm-up=0", "--shape=input=500x784"],
                   check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line) for line in path.read_text().splitlines()]


def compile_with(tenon, model, lines, folder):
    timings, plan = folder / "timings.jsonl", folder / "model.tenon"
    timings.write_text("".join(json.dumps(line) + "\n" for line in lines))
    subprocess.run([tenon, "compile", model, f"--timings={timings}", "-o", plan, "--shape=input=500x784"], check=True,
                   stdout=subprocess.DEVNULL)
    return plan


def run(tenon, plan, folder):
    np.save(folder / "input.npy", np.random.default_rng(0).standard_normal((500, 784), dtype=np.float32))
    subprocess.run([tenon, "run", plan, f"--input=input={folder / 'input.npy'}", f"--output-dir={folder / 'out'}"],
                   check=True, stdout=subprocess.DEVNULL)
    output, = (folder / "out").iterdir()
    return output.read_bytes()


def tactics(tenon, plan):
    done = subprocess.run([tenon, "inspect", plan, "--kernels", "--format=json"], check=True, capture_output=True, text=True)
    kernels = json.loads(done.stdout)["ranks"][0]["kernel_list"]
    return {kernel["tactic"] for kernel in kernels if kernel["tactic"].startswith("product")}


def test_every_tactic_of_every_product_is_measured(measured):
    assert {line["tactic"] for line in measured} == {f"rows={rows}" for rows in ROWS}
    assert len(measured) == len({line["key"] for line in measured}) * len(ROWS)
    assert all(line["device"] == "xeon-avx512" and line["median_us"] > 0 for line in measured)


@pytest.mark.parametrize("rows", ROWS)
def test_what_the_timings_choose_computes_the_same(rows, tenon, mlp, measured, tmp_path):
    fast = [line | {"median_us": 1 if line["tactic"] == f"rows={rows}" else 100, "spread": 0} for line in measured]
    plan = compile_with(tenon, mlp, fast, tmp_path)
    assert tactics(tenon, plan) == {f"product: packed weights, blocks of {rows} rows"}
    (tmp_path / "plain").mkdir()
    plain = compile_with(tenon, mlp, [], tmp_path / "plain")
    assert run(tenon, plan, tmp_path) == run(tenon, plain, tmp_path / "plain")


def test_the_same_timings_give_the_same_plan(tenon, mlp, measured, tmp_path):
    (tmp_path / "reversed").mkdir()
    one = compile_with(tenon, mlp, measured, tmp_path)
    other = compile_with(tenon, mlp, measured[::-1], tmp_path / "reversed")
    assert one.read_bytes() == other.read_bytes()
