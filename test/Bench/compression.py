#!/usr/bin/env python3
"""Compresses the models of the tasks in test/Models/tasks in every way, judges the results, and writes the table.

    compression.py --build DIR [--tasks NAME,..] [--methods NAME,..] [--threads 1] [--no-times] [--write]

Each row is one task and one method: `tenon compress`, then `tenon compile`, the score by Tenon and by ONNX Runtime on
the same exported file, how far the two differ, sizes, and times in turns with the model in f32. Rows are kept in
BUILD/compression and replaced when measured again; --write puts all of them into docs/Compression.md, with what the
bars say of them. `--methods=none --write` only writes.
"""
import argparse
import datetime
import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "Models"), str(HERE)]
import compression_report  # noqa: E402
import tasks  # noqa: E402
from compression_measure import (  # noqa: E402
    Failure, command, compiled, disagreement, megabytes, quantized_bytes, times, unoptimised, weight_bytes)
from compression_methods import METHODS  # noqa: E402
from tasks.task import onnx_runtime  # noqa: E402


class Bench:
    """Measures rows; `folder` keeps models, plans and rows."""

    def __init__(self, build, folder, threads=1, timed=True, judged_twice=True):
        import bench
        self.build, self.folder, self.threads, self.timed, self.engines = build, folder, threads, timed, bench
        self.judged_twice = judged_twice
        folder.mkdir(parents=True, exist_ok=True)

    def tenon(self, plan, feeds):
        return self.engines.Tenon(self.build, plan, self.threads, feeds)

    def onnx_runtime(self, model, feeds):
        return self.engines.OnnxRuntime(model, self.threads, feeds)

    def baseline(self, task):
        """The row of the model in f32."""
        plan = compiled(self.build, task.model, self.folder / f"{task.name}.tenon")
        session = self.tenon(plan, task.feeds).session
        row = {"task": task.name, "method": "f32", "score": task.judge(lambda feeds: session.run(None, feeds)),
               "onnx_mb": megabytes(task.model), "plan_mb": megabytes(plan),
               "weights_mb": weight_bytes(task.model) / 1e6}
        if self.timed:
            row["ms"] = times({"tenon": self.tenon(plan, task.feeds), "ort": self.onnx_runtime(task.model, task.feeds)})
        return row

    def compress(self, task, method, small, report):
        """Writes the small model; what `tenon compress --format=json` says of it."""
        if method.peer:
            method.peer(task.model, task, small)
            return {}
        text = command(self.build / "bin" / "tenon", "compress", task.model, "-o", small, *method.arguments(task),
                       f"--report={report}", "--format=json")
        return json.loads(text) if text.strip() else {}

    def measure(self, task, name, f32):
        method, stem = METHODS[name], f"{task.name}-{name.replace(' ', '-').replace(':', '-')}"
        small, row = self.folder / f"{stem}.onnx", {"task": task.name, "method": name}
        start = time.perf_counter()
        try:
            row["compress"] = self.compress(task, method, small, self.folder / f"{stem}.html")
            row["seconds"] = time.perf_counter() - start
            row |= self.judge(task, small, f32)
        except Failure as failure:
            row["error"] = str(failure)
        except Exception as failure:  # a peer that fails is a row as well
            row["error"] = f"{type(failure).__name__}: {failure}".splitlines()[0][:300]
        return row

    def judge(self, task, small, f32):
        quantized, full = quantized_bytes(small)
        row = {"onnx_mb": megabytes(small), "weights_mb": weight_bytes(small) / 1e6,
               "quantized_ratio": full / max(quantized, 1)}
        plain, before = unoptimised(small, self.threads), next(iter(f32["score"].values()))
        try:
            reference = onnx_runtime(small, self.threads)
        except Exception as failure:  # its optimiser takes fp8 for an integer
            reference, row["ort_error"] = plain, str(failure)
        if self.judged_twice:
            row["ort_score"] = task.judge(reference)
            row["ort_loss"] = task.loss(next(iter(row["ort_score"].values())), before)
        engines = {"f32": self.tenon(self.folder / f"{task.name}.tenon", task.feeds)}
        try:
            plan = compiled(self.build, small, small.with_suffix(".tenon"))
            engines["tenon"] = self.tenon(plan, task.feeds)
            session = engines["tenon"].session

            def run(feeds):
                return session.run(None, feeds)
            row |= {"plan_mb": megabytes(plan), "score": task.judge(run),
                    "difference": disagreement(task, run, plain),
                    "optimised_difference": disagreement(task, run, reference),
                    "peer_difference": disagreement(task, reference, plain)}
            row["loss"] = task.loss(next(iter(row["score"].values())), before)
        except Failure as failure:
            row["error"] = str(failure)
        if self.timed:
            if "ort_error" not in row:
                engines["ort"] = self.onnx_runtime(small, task.feeds)
            row["ms"] = times(engines)
        return row


class Rows:
    """All rows measured so far, in a file: the newest of each task and method."""

    def __init__(self, path):
        self.path, self.rows = path, json.loads(path.read_text()) if path.exists() else []

    def get(self, task, method):
        return next((r for r in self.rows if (r["task"], r["method"]) == (task, method)), None)

    def put(self, row):
        row["date"] = datetime.date.today().isoformat()
        self.rows = [r for r in self.rows if (r["task"], r["method"]) != (row["task"], row["method"])] + [row]
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.rows, indent=1))
        partial.replace(self.path)


def chosen(text, known, kind):
    names = text.split(",") if text else list(known)
    if unknown := set(names) - set(known):
        raise SystemExit(f"error: no {kind} {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="default: BUILD/compression")
    parser.add_argument("--tasks")
    parser.add_argument("--methods")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-times", action="store_true")
    parser.add_argument("--judge-once", action="store_true", help="by Tenon alone; ONNX Runtime on a few batches")
    parser.add_argument("--write", action="store_true", help="docs/Compression.md")
    args = parser.parse_args()
    folder = args.out or args.build / "compression"
    measuring = Bench(args.build.resolve(), folder, args.threads, not args.no_times, not args.judge_once)
    rows = Rows(folder / "rows.json")
    methods = chosen(args.methods, METHODS, "method") if args.methods != "none" else []
    for name in chosen(args.tasks, tasks.NAMES, "task") if methods else []:
        task = tasks.load(name)
        rows.put(measuring.baseline(task))
        for method in (m for m in methods if name in METHODS[m].tasks):
            rows.put(measuring.measure(task, method, rows.get(name, "f32")))
            print(compression_report.line(rows.get(name, method)), flush=True)
    text = compression_report.page(rows.rows, list(METHODS))
    if args.write:
        (HERE.parents[1] / "docs" / "Compression.md").write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
