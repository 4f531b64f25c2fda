#!/usr/bin/env python3
"""Runs the ONNX backend test suite (onnx.backend.test) through tenon.backend.

    run.py --build DIR [--why] [--update] [-k EXPRESSION] [--report FILE.xml]

passing.list lists the tests that pass: one that no longer does is a failure. --update rewrites it and docs/Conformance.md.
--update-ops only rewrites docs/SupportedOps.md, which no test has to run for. --why prints what the failures have in common, most tests first; -v prints every failure.
"""
import argparse
import collections
import os
import pathlib
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PASSING = HERE / "passing.list"
VGPU_LOST = HERE / "vgpu-lost.list"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=60, help="seconds of processor time a test")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--update-ops", action="store_true")
    parser.add_argument("--why", action="store_true")
    parser.add_argument("-k", dest="expression", default="", help="tests whose names contain one of these words")
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("--target", default="cpu", choices=["cpu", "vgpu"],
                        help="vgpu: the same tests on the virtual GPU (half an hour); --update then lists what it loses")
    parser.add_argument("--report", type=pathlib.Path, help="a JUnit file")
    return parser.parse_args()


def print_why(results):
    """Failures by reason: how many tests, which operators, an example."""
    reasons = collections.defaultdict(list)
    for case, result in results:
        if result.outcome != "pass":
            reasons[result.outcome, result.reason].append(case)
    for (outcome, reason), cases in sorted(reasons.items(), key=lambda entry: -len(entry[1])):
        ops = collections.Counter(op for case in cases for op in case.ops[:1])
        print(f"{len(cases):4} {outcome}: {reason}\n       "
              + ", ".join(f"{op} {count}" for op, count in ops.most_common(6)) + f"; {cases[0].name}")


def write_report(path, results, listed):
    """Listed tests and those that pass; what is known to fail is in docs/Conformance.md."""
    suite = xml.Element("testsuite", name="conformance")
    for case, result in results:
        if result.outcome != "pass" and case.name not in listed:
            continue
        entry = xml.SubElement(suite, "testcase", classname=case.group, name=case.name, time=f"{result.seconds:.3f}")
        if result.outcome != "pass":
            xml.SubElement(entry, "failure", message=f"{result.outcome}: {result.reason}").text = result.detail
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.ElementTree(suite).write(path)


def main():
    args = parse()
    sys.path[:0] = [str(args.build / "python"), str(HERE)]
    if args.update_ops:
        import operators
        (ROOT / "docs" / "SupportedOps.md").write_text(operators.write(args.build))
        return 0
    import suite  # after the path is known
    import table
    import tenon.backend
    backend = tenon.backend.TenonBackend
    if args.target != "cpu":
        os.environ.setdefault("TENON_DEVICE_PATH", str(args.build.resolve() / "lib"))

        class Backend(backend):  # the suite's tests are for the device CPU
            @classmethod
            def prepare(cls, model, device="CPU", **kwargs):
                return super().prepare(model, args.target.upper(), **kwargs)
        backend = Backend
    started = time.monotonic()
    suite.warm(backend)
    with tempfile.TemporaryDirectory(prefix="tenon-onnx-home-") as home:
        cases = suite.load(backend, home)
        words = args.expression.split()
        chosen = [case for case in cases if not words or any(word in case.name for word in words)]
        results = []
        for case, result in suite.run(chosen, args.jobs, args.limit):
            results.append((case, result))
            if args.verbose and result.outcome != "pass":
                print(f"{case.name}: {result.outcome}: {result.reason}\n    " + result.detail.replace("\n", "\n    "))
    results.sort(key=lambda entry: entry[0].name)
    passed = {case.name for case, result in results if result.outcome == "pass"}
    listed = set(PASSING.read_text().split()) if PASSING.exists() else set()
    lost = sorted((listed - passed) & {case.name for case in chosen} | (listed - {case.name for case in cases}))
    if args.why:
        print_why(results)
    if args.report:
        write_report(args.report, results, listed)
    if args.update and args.target != "cpu":
        VGPU_LOST.write_text("".join(f"{name}\n" for name in sorted(listed - passed)) if not words else VGPU_LOST.read_text())
    elif args.update and not words:
        PASSING.write_text("".join(f"{name}\n" for name in sorted(passed)))
        (ROOT / "docs" / "Conformance.md").write_text(table.write(results))
    elif not args.update:
        for name in lost:
            print(f"lost: {name}")
        if passed - listed:
            print(f"{len(passed - listed)} tests pass that {PASSING.name} does not list: run with --update")
    core = [case for case, _ in results if case.group in suite.groups.CORE]
    print(f"{len(passed)} of {len(results)} pass, {sum(case.name in passed for case in core)} of {len(core)} core, "
          f"{time.monotonic() - started:.0f} s")
    return 1 if lost and not args.update else 0


if __name__ == "__main__":
    sys.exit(main())
