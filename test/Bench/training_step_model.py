"""How well `tenon simulate` predicts measured training steps; writes the tables of docs/CostModelAccuracy.md.

    python test/Bench/training_step_model.py --build build [--held-out] [--write]

Errors are |predicted / measured - 1|. Regret is the measured time of the plan with the best prediction over that of the
best measured one, of rows that differ in their plans alone. With --held-out the constants are fitted anew without
the rows of one size of model, and those rows are predicted.
"""
import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "test/Data/cost-model"
STEPS = ["megatron_a100_multi_node", "megatron_a100_single_node", "megatron_sc21_table1", "korthikanti_table5"]
PLAN_GROUPS = {
    "megatron_a100_multi_node": ["params_b", "gpus", "global_batch"],
    "megatron_a100_single_node": ["gpus", "global_batch", "hidden", "layers"],
}
BEGIN, END = "<!-- begin: training_step_model.py -->\n", "<!-- end -->\n"


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def simulate(tenon, *arguments):
    subprocess.run([tenon, "simulate", *map(str, arguments)], check=True)


def measured_seconds(row):
    """The measured times of a row, and the columns with their predictions."""
    if "iteration_ms" in row:
        return [(float(row["iteration_ms"]) / 1e3, "predicted_ms")]
    if "tflops_per_gpu" in row:
        batch, layers, hidden, gpus = (float(row[k]) for k in ("global_batch", "layers", "hidden", "gpus"))
        sequence, vocabulary = 2048, 51200
        flops = 96 * batch * sequence * layers * hidden**2 * (
            1 + sequence / (6 * hidden) + vocabulary / (16 * layers * hidden))
        return [(flops / (float(row["tflops_per_gpu"]) * 1e12 * gpus), "predicted_ms")]
    return [(float(row["iter_s_full_recompute"]), "predicted_ms"),
            (float(row["iter_s_seqpar_selective"]), "predicted_ms_seqpar_selective")]


def errors(rows):
    return [abs(float(row[column]) / 1e3 / seconds - 1) for row in rows for seconds, column in measured_seconds(row)]


def regrets(rows, keys):
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    result = []
    for group in groups.values():
        chosen = min(group, key=lambda row: float(row["predicted_ms"]))
        best = min(float(row["iteration_ms"]) for row in group)
        result.append(float(chosen["iteration_ms"]) / best - 1)
    return result


def summary(name, values):
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
    return (f"| {name} | {len(values)} | {statistics.median(values):.1%} | {statistics.mean(values):.1%} | "
            f"{p90:.1%} | {ordered[-1]:.1%} |")


def held_out(tenon, folder, name):
    """Errors and regrets of each hidden size of table `name`, predicted by constants fitted without it."""
    rows = read(DATA / f"{name}.csv")
    for hidden in sorted({row["hidden"] for row in rows}, key=float):
        rest, constants, held = folder / "rest.csv", folder / "constants.json", folder / "held.csv"
        write(rest, [row for row in rows if row["hidden"] != hidden])
        tables = [rest if other == name else DATA / f"{other}.csv" for other in STEPS]
        simulate(tenon, "--fit", *(f"--table={table}" for table in tables), "-o", constants)
        cluster = json.loads((ROOT / "lib/Cost/Clusters/a100.json").read_text(encoding="utf-8"))
        cluster["constants"] = json.loads(constants.read_text(encoding="utf-8"))["constants"]
        # The network of this table, which --devices overrides.
        if name == "megatron_a100_multi_node":
            cluster["nodes"][0]["network_gb_per_s"] = 100
        (folder / "cluster.json").write_text(json.dumps(cluster), encoding="utf-8")
        write(held, [row for row in rows if row["hidden"] == hidden])
        simulate(tenon, f"--table={held}", f"--devices={folder / 'cluster.json'}", "-o", folder / "out.csv")
        predicted = read(folder / "out.csv")
        yield summary(f"{name}, without hidden = {hidden}", errors(predicted)), regrets(predicted, PLAN_GROUPS[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/CostModelAccuracy.md")
    arguments = parser.parse_args()
    tenon = arguments.build / "bin/tenon"
    lines = ["| table | times | median | mean | 90 % | worst |", "|---|---|---|---|---|---|"]
    choices = ["| table | groups | mean regret | worst |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for table in STEPS:
            simulate(tenon, f"--table={DATA / table}.csv", "-o", folder / "out.csv")
            rows = read(folder / "out.csv")
            lines.append(summary(table, errors(rows)))
            if table in PLAN_GROUPS:
                values = regrets(rows, PLAN_GROUPS[table])
                choices.append(f"| {table} | {len(values)} | {statistics.mean(values):.2%} | {max(values):.2%} |")
        if arguments.held_out:
            for table in PLAN_GROUPS:
                values = []
                for line, regret in held_out(tenon, folder, table):
                    lines.append(line)
                    values += regret
                choices.append(
                    f"| {table}, each size held out | {len(values)} | {statistics.mean(values):.2%} | {max(values):.2%} |")
    text = "\n".join(lines) + "\n\n" + "\n".join(choices) + "\n"
    print(text)
    if arguments.write:
        page = ROOT / "docs/CostModelAccuracy.md"
        old = page.read_text(encoding="utf-8")
        page.write_text(old[:old.index(BEGIN) + len(BEGIN)] + text + old[old.index(END):], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
