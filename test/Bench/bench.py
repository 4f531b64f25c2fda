#!/usr/bin/env python3
"""Times Tenon against ONNX Runtime in one process, in turns, and prints the medians.

    bench.py --build DIR [--threads 1,2] [--shape x=1x3x640x640] [--rounds 7] [--json] [--max-ratio R] MODEL...

MODEL is an .onnx file, a name of make_models.py (resnet50, bert_base, ...), or a file of models.json. Each round runs one
engine for --seconds, then the other, after warm-up runs: both see the same machine. Inputs are seeded.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "Models"), str(HERE.parent / "Integration")]
# Sizes of symbolic dimensions that --shape does not fix.
SIZES = {"N": 1, "B": 1, "S": 128, "T": 32, "P": 32, "batch": 1, "height": 320, "width": 320,
         "p2o.DynamicDimension.0": 1, "p2o.DynamicDimension.1": 640, "p2o.DynamicDimension.2": 640}


class Tenon:
    def __init__(self, build, plan, threads, feeds):
        if str(build / "python") not in sys.path:
            sys.path.insert(0, str(build / "python"))
        import tenon
        self.session, self.feeds = tenon.Session(str(plan), threads=threads), feeds

    def run(self):
        return self.session.run(None, self.feeds)


class OnnxRuntime:
    def __init__(self, model, threads, feeds):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.feeds = feeds

    def run(self):
        return self.session.run(None, self.feeds)


def measure(engine, seconds):
    """Milliseconds of each run within `seconds`, at least three, after warm-up: caches, page faults, spinning threads."""
    for _ in range(2):
        engine.run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        engine.run()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def compare(build, model, plan, feeds, threads=(1, 2), rounds=7, seconds=1.0):
    """One row per number of threads."""
    rows = []
    for count in threads:
        tenon, ort = Tenon(build, plan, count, feeds), OnnxRuntime(model, count, feeds)
        ours, theirs = tenon.run(), ort.run()
        worst = max(float(np.abs(a.astype(np.float64) - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-30))
                    for a, b in zip(ours, theirs))
        a, b = [], []
        for _ in range(rounds):
            a += measure(tenon, seconds)
            time.sleep(0.05)  # ONNX Runtime's threads spin for a while after a run
            b += measure(ort, seconds)
            time.sleep(0.05)
        rows.append({"model": model.name, "shape": " ".join("x".join(map(str, f.shape)) for f in feeds.values()),
                     "threads": count, "tenon_ms": statistics.median(a), "onnxruntime_ms": statistics.median(b),
                     "ratio": statistics.median(a) / statistics.median(b), "runs": [len(a), len(b)], "relmax": worst})
    return rows


def report(rows):
    print(f"{'model':34} {'threads':>7} {'tenon ms':>10} {'onnxruntime ms':>15} {'ratio':>7} {'relmax':>9}")
    for r in rows:
        print(f"{r['model']:34} {r['threads']:7} {r['tenon_ms']:10.2f} {r['onnxruntime_ms']:15.2f} {r['ratio']:7.2f} "
              f"{r['relmax']:9.1e}")


def inputs_of(model, shapes):
    """Seeded inputs; `shapes` maps input names to extents."""
    import drawn_inputs
    import onnx
    proto = onnx.load(model, load_external_data=False)
    names = [i.name for i in proto.graph.input]
    if unknown := set(shapes) - set(names):
        raise SystemExit(f"error: {model.name} has no input {', '.join(sorted(unknown))}; it has {', '.join(names)}")
    sizes = dict(SIZES)
    for i in proto.graph.input:
        for dim, extent in zip(i.type.tensor_type.shape.dim, shapes.get(i.name, [])):
            if dim.dim_param:
                sizes[dim.dim_param] = extent
    return drawn_inputs.draw_inputs(proto, sizes)


def locate(name, cache):
    """A path, or a model that is generated or fetched into `cache` first."""
    if pathlib.Path(name).exists():
        return pathlib.Path(name)
    import make_models
    if name in make_models.MODELS:
        os.environ.setdefault("TENON_DEPS", str(cache.parent))
        import conftest
        return conftest.full_model(name)
    subprocess.run([sys.executable, HERE.parent / "Models" / "fetch_models.py", "--out", cache, name], check=True)
    return cache / name


def compiled(build, model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / f"{model.stem}.tenon"
    start = time.perf_counter()
    subprocess.run([build / "bin" / "tenon", "compile", model, "-o", plan], check=True)
    print(f"{model.name}: compiled in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    return plan


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "tenon" / "models")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--shape", action="append", default=[], metavar="NAME=1x3x224x224")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each engine in each round")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--max-ratio", type=float, help="exit with 1 where Tenon takes longer than R times ONNX Runtime")
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    shapes = {name: [int(n) for n in extents.split("x")] for name, extents in (s.rsplit("=", 1) for s in args.shape)}
    rows = []
    for name in args.models:
        model = locate(name, args.cache)
        plan = compiled(args.build, model, args.build / "bench")
        rows += compare(args.build, model, plan, inputs_of(model, shapes), [int(t) for t in args.threads.split(",")],
                        args.rounds, args.seconds)
    print(json.dumps(rows, indent=1)) if args.json else report(rows)
    return 1 if args.max_ratio and max(r["ratio"] for r in rows) > args.max_ratio else 0


if __name__ == "__main__":
    sys.exit(main())
