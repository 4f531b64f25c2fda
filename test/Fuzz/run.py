#!/usr/bin/env python3
"""Random graphs through Tenon, against ONNX Runtime and the reference of ONNX.

    run.py --build DIR [--seed=N] [--count=N] [--only OP,..] [--why] [--reduce] [--save DIR]

Graph i of a run has the seed N + i; `--seed=N --count=1` repeats one. A mismatch, a crash, a time-out, or an error by
another code than check.ACCEPTED lists is a failure; what Tenon refuses by one of those is counted beside. --reduce shrinks what fails and prints it as text; --save keeps it.
"""
import argparse
import collections
import gc
import os
import pathlib
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", default="", help="operators that graphs are to consist of")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=30, help="seconds of processor time a graph")
    parser.add_argument("--target", default="cpu", choices=["cpu", "vgpu"])
    parser.add_argument("--export", action="store_true", help="run what tenon-translate exports of each graph")
    parser.add_argument("--ranks", action="store_true", help="split each graph over ranks, each in another way")
    parser.add_argument("--why", action="store_true", help="what was refused, most graphs first")
    parser.add_argument("--reduce", action="store_true")
    parser.add_argument("--save", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path, help="a JUnit file")
    parser.add_argument("-v", dest="verbose", action="store_true")
    return parser.parse_args()


def warm():
    """Loads and runs everything once, so that a fork is cheap."""
    import check
    import generate
    for seed in range(3):
        check.check(generate.make_graph(seed, most=8))
    gc.collect()
    gc.freeze()


def attempt(args):
    only = set(args.only.split(",")) - {""}

    def work(seed, stage):
        import check
        import generate
        stage("generate")
        graph = generate.make_graph(seed, only)
        return check.check(graph, stage, args.target, translate_of(args), seed if args.ranks else None)
    return work


def translate_of(args):
    return str(args.build.resolve() / "bin" / "tenon-translate") if args.export else None


def results(args):
    """Yields (seed, check.Result)."""
    import check
    import isolate
    for seed, kind, answer, seconds in isolate.run(range(args.seed, args.seed + args.count), attempt(args), args.jobs,
                                                   args.limit):
        if kind == "done":
            yield seed, answer._replace(seconds=seconds)
        elif kind == "raised":
            yield seed, check.Result("error", answer.strip().splitlines()[-1][:140], answer, [], seconds)
        else:
            yield seed, check.Result("invalid" if "generate" in answer else kind, answer, "", [], seconds)


FAILURES = ("wrong", "error", "crash", "time-out")


def write_report(path, failures, passed):
    suite = xml.Element("testsuite", name="fuzz")
    for seed, result in failures + passed:
        case = xml.SubElement(suite, "testcase", classname="graphs", name=f"seed_{seed}", time=f"{result.seconds:.3f}")
        if result.outcome in FAILURES:
            xml.SubElement(case, "failure", message=f"{result.outcome}: {result.reason}").text = result.detail
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.ElementTree(suite).write(path)


def print_why(refusals):
    reasons = collections.defaultdict(list)
    for seed, result in refusals:
        reasons[result.reason].append((seed, result))
    for reason, cases in sorted(reasons.items(), key=lambda entry: -len(entry[1])):
        print(f"{len(cases):5} {reason}\n      e.g. seed {cases[0][0]}: {cases[0][1].detail.splitlines()[0][:200]}")


def main():
    args = parse()
    sys.path[:0] = [str(args.build / "python"), str(HERE)]
    os.environ.setdefault("TENON_DEVICE_PATH", str(args.build.resolve() / "lib"))
    started = time.monotonic()
    warm()
    groups, ops = collections.defaultdict(list), collections.Counter()
    with tempfile.TemporaryDirectory(prefix="tenon-fuzz-") as folder:
        tempfile.tempdir = folder  # a child that is killed leaves its plan here
        for seed, result in results(args):
            groups[result.outcome].append((seed, result))
            if result.outcome == "pass":
                ops.update(result.ops)
            if result.outcome in FAILURES:
                print(f"seed {seed}: {result.outcome}: {result.reason}\n    " + result.detail.replace("\n", "\n    ")[:1500],
                      flush=True)
        failures = sorted(entry for name in FAILURES for entry in groups[name])
        if args.reduce or args.save:
            import reduce
            for seed, result in failures:
                reduce.report(seed, result, args)
        tempfile.tempdir = None
    if args.why:
        print_why(groups["refused"])
    if args.verbose:
        print(", ".join(f"{name} {count}" for name, count in ops.most_common()))
    if args.report:
        write_report(args.report, failures, groups["pass"])
    print(f"{len(groups['pass'])} pass, {len(failures)} fail ("
          + ", ".join(f"{len(groups[name])} {name}" for name in FAILURES)
          + f"), {len(groups['refused'])} refused, {len(groups['invalid'])} without a graph; {len(ops)} operators, "
          f"{time.monotonic() - started:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
