"""`tenon simulate`: predictions for tables of training steps, collectives and pipelines, within the bars of accuracy."""
import csv
import json
import pathlib
import statistics
import sys

import pytest

from tool import run, succeed

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "test/Data/cost-model"
sys.path.append(str(ROOT / "test/Bench"))
import training_step_model as bench


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(tenon, folder, table, *more):
    succeed(tenon, "simulate", f"--table={table}", "-o", folder / "out.csv", *more)
    return read(folder / "out.csv")


@pytest.mark.parametrize("table, statistic, bar", [
    ("megatron_a100_multi_node", statistics.median, 0.08),
    ("megatron_a100_single_node", statistics.median, 0.08),
    ("megatron_sc21_table1", statistics.mean, 0.05),
    ("korthikanti_table5", max, 0.04),
])
def test_predicts_measured_steps(tenon, tmp_path, table, statistic, bar):
    rows = predict(tenon, tmp_path, DATA / f"{table}.csv")
    assert statistic(bench.errors(rows)) <= bar


@pytest.mark.full
@pytest.mark.parametrize("table", list(bench.PLAN_GROUPS))
def test_predicts_sizes_it_was_not_fitted_to(tenon, tmp_path, table):
    for line, _ in bench.held_out(tenon, tmp_path, table):
        median = float(line.split("|")[3].strip(" %")) / 100
        assert median <= 0.08, line


def test_keeps_rows_and_columns_and_reads_nothing_that_was_measured(tenon, tmp_path):
    original = read(DATA / "megatron_a100_multi_node.csv")
    rows = predict(tenon, tmp_path, DATA / "megatron_a100_multi_node.csv")
    assert [{k: v for k, v in row.items() if k != "predicted_ms"} for row in rows] == original
    bench.write(tmp_path / "bare.csv", [{k: v for k, v in row.items() if k != "iteration_ms"} for row in original])
    bare = predict(tenon, tmp_path, tmp_path / "bare.csv")
    assert [row["predicted_ms"] for row in bare] == [row["predicted_ms"] for row in rows]


def test_collectives_are_those_that_were_measured(tenon, tmp_path):
    rows = [row for row in predict(tenon, tmp_path, DATA / "nccl_allreduce_single_node.csv") if row["gpu"] == "a100"]
    errors = [abs(float(row["predicted_ms"]) * 1e6 / float(row["out_of_place_ns"]) - 1) for row in rows]
    assert len(errors) == 231 and statistics.median(errors) < 0.01 and max(errors) < 0.15


def test_bubble_rates_to_four_decimals(tenon, tmp_path):
    for row in predict(tenon, tmp_path, DATA / "zero_bubble_rates.csv"):
        for schedule in ("1f1b", "zb_h1", "zb_h2"):
            assert float(row[f"predicted_bubble_{schedule}"]) == float(row[f"bubble_{schedule}"])
        assert float(row["predicted_bubble_searched"]) <= float(row["bubble_zb_2p"])


def test_a_cluster_file_changes_the_prediction(tenon, tmp_path):
    cluster = json.loads((ROOT / "lib/Cost/Clusters/a100.json").read_text(encoding="utf-8"))
    cluster["nodes"][0]["network_gb_per_s"] = 1
    (tmp_path / "slow.json").write_text(json.dumps(cluster), encoding="utf-8")
    table = DATA / "megatron_a100_multi_node.csv"
    usual = predict(tenon, tmp_path, table)
    slow = predict(tenon, tmp_path, table, f"--devices={tmp_path / 'slow.json'}")
    assert all(float(a["predicted_ms"]) < float(b["predicted_ms"]) for a, b in zip(usual, slow))


@pytest.mark.parametrize("text, code", [
    ("", "TN9042"),
    ("hidden\n1\n", "TN9042"),
    ("hidden,layers\n1024\n", "TN9042"),
    ("what,why\n1,2\n", "TN9042"),
    ("hidden,layers,heads,tp,pp,gpus,global_batch\nx,24,16,1,1,8,64\n", "TN9042"),
    ("hidden,layers,heads,tp,pp,gpus,global_batch\n1024,24,16,3,1,8,64\n", "TN9042"),
    ("hidden,layers,heads,tp,pp,gpus,global_batch,micro_batch\n1024,24,16,1,1,8,64,3\n", "TN4013"),
    ("hidden,layers,heads,tp,pp,gpus,global_batch\n99999,96,16,1,1,1,64\n", "TN4014"),
    ("stages,microbatches,forward_us,backward_input_us,backward_weight_us,comm_us\n1e6,1e6,1,1,1,1\n", "TN9042"),
])
def test_refuses_by_row_and_leaves_no_file(tenon, tmp_path, text, code):
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    done = run(tenon, "simulate", f"--table={tmp_path / 'in.csv'}", "-o", tmp_path / "out.csv")
    assert done.returncode in (2, 4) and code in done.stderr, done.stderr
    assert not (tmp_path / "out.csv").exists()
