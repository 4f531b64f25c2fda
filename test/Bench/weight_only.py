#!/usr/bin/env python3
"""Times products whose weights are stored small beside those of f32, in turns, and prints the medians.

    weight_only.py --build DIR [--threads 1] [--rows 1,8,128] [--sizes 768x768,768x3072,4096x4096] [--rounds 9] [--json]

Each form is a model of one product with random weights of K x N. A round runs each of them for --seconds.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

import numpy as np
from bench import Tenon, measure

FORMS = {"f32": [], "int8": ["--quantize=int8-weights"], "int4:32": ["--quantize=int4:32"],
         "int4:128": ["--quantize=int4:128"], "2:4": ["--prune=2:4", "--prune-method=magnitude"]}


def save_product(path, depth, columns):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    weights = np.random.default_rng(1).standard_normal((depth, columns), dtype=np.float32) / np.float32(depth) ** 0.5
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], "product")], "product",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["M", depth])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["M", columns])],
                              [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)


def compile_forms(build, folder, depth, columns):
    """The plan of each form."""
    model, plans = folder / f"{depth}x{columns}.onnx", {}
    save_product(model, depth, columns)
    for form, options in FORMS.items():
        plans[form] = folder / f"{depth}x{columns}-{form.replace(':', '-')}.tenon"
        subprocess.run([build / "bin" / "tenon", "compile", model, "-o", plans[form], *options], check=True,
                       stderr=subprocess.DEVNULL)
    return plans


def compare(build, plans, rows, depth, threads, rounds, seconds):
    """Median milliseconds of each form."""
    feeds = {"x": np.random.default_rng(2).standard_normal((rows, depth), dtype=np.float32)}
    engines = {form: Tenon(build, plan, threads, feeds) for form, plan in plans.items()}
    times = {form: [] for form in plans}
    for _ in range(rounds):
        for form, engine in engines.items():
            times[form] += measure(engine, seconds)
    return {form: statistics.median(t) for form, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", default="1,8,128")
    parser.add_argument("--sizes", default="768x768,768x3072,4096x4096")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each form in each round")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for size in args.sizes.split(","):
            depth, columns = map(int, size.split("x"))
            plans = compile_forms(args.build, pathlib.Path(folder), depth, columns)
            for rows in map(int, args.rows.split(",")):
                times = compare(args.build, plans, rows, depth, args.threads, args.rounds, args.seconds)
                bytes_ = {form: plan.stat().st_size for form, plan in plans.items()}
                results.append({"size": size, "rows": rows, "ms": times, "plan_bytes": bytes_})
                if not args.json:
                    print(f"{size:>10} x {rows:4} rows: " + ", ".join(
                        f"{form} {t:.3f} ms ({times['f32'] / t:.2f}x, {bytes_['f32'] / bytes_[form]:.1f}x smaller)"
                        for form, t in times.items()), flush=True)
    if args.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
