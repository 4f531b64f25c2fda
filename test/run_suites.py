#!/usr/bin/env python3
"""Runs the test suites of a finished build and ends with one line: "N passed, N failed".

    run_suites.py --build DIR [--suite=lit,unit,lint,python,conformance,fuzz,integration,compression]
                 [--full] [-k EXPRESSION]

Every suite leaves a JUnit file in BUILD/test-results. A suite that breaks before it can report counts as one failure.
--full adds the models at full size, 10,000 random graphs for 200, and CUDA templates at 200 shapes and for every architecture; -k is handed to pytest
(lint, python, integration and compression) and selects tests of conformance by words in their names.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ["lit", "unit", "lint", "python", "conformance", "fuzz", "integration", "compression"]


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.names = 0, 0, 0, []

    def fail(self, name):
        self.failed += 1
        self.names.append(name)

    def add_report(self, path, status, suite):
        """Counts one JUnit file; `status` is the exit status of what should have written it."""
        before = self.failed
        try:
            cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
        except (OSError, xml.etree.ElementTree.ParseError):
            self.fail(f"{suite}: ended with status {status} and no report")
            return
        for case in cases:
            name = f"{suite}: {case.get('classname', '')}.{case.get('name', '')}"
            if case.find("failure") is not None or case.find("error") is not None:
                self.fail(name)
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                self.skipped += 1
            else:
                self.passed += 1
        if status and self.failed == before:
            self.fail(f"{suite}: ended with status {status}")


def run(command, timeout, **more):
    try:
        return subprocess.run(command, timeout=timeout, **more).returncode
    except subprocess.TimeoutExpired:
        print(f"error: {command[0]} did not end within {timeout} s")
        return 124


def run_lit(args, results, tally):
    report = results / "lit.xml"
    status = run([str(pathlib.Path(sys.executable).with_name("lit")), "-sv", f"-j{args.jobs}", "--timeout=120",
                  f"--xunit-xml-output={report}", str(args.build / "test")], 3600)
    tally.add_report(report, status, "lit")


def run_unit(args, results, tally):
    more = {"TENON_TEST_EVERY_ARCH": "1", "TENON_TEST_SHAPES": "200"} if args.full else {}
    for name in (args.build / "test" / "unit-tests.txt").read_text().split():
        report = results / f"unit-{name}.xml"
        program = args.build / "test" / "unit-bin" / name
        if not program.exists():
            tally.fail(f"unit: {program} was not built (ninja tenon-unit-tests)")
            continue
        done = subprocess.run([program, f"--gtest_output=xml:{report}", "--gtest_brief=1"], timeout=1800,
                              env={**os.environ, **more}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace")
        if done.returncode:
            print(done.stdout)
        tally.add_report(report, done.returncode, f"unit/{name}")


def run_conformance(args, results, tally):
    report = results / "conformance.xml"
    command = [sys.executable, str(HERE / "Conformance" / "run.py"), f"--build={args.build}", f"--jobs={args.jobs}",
               f"--report={report}"]
    command += ["-k", args.expression] if args.expression else []
    status = run(command, 3600, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    tally.add_report(report, status, "conformance")


def run_fuzz(args, results, tally):
    report = results / "fuzz.xml"
    status = run([sys.executable, str(HERE / "Fuzz" / "run.py"), f"--build={args.build}", f"--jobs={args.jobs}",
                  f"--report={report}", f"--count={10000 if args.full else 200}", "--reduce"], 7200,
                 env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    tally.add_report(report, status, "fuzz")


def run_pytest(args, results, tally, suite):
    folder = HERE / suite.capitalize()
    report = results / f"{suite}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "--no-header", "-p", "no:cacheprovider", "--tb=short",
               f"--rootdir={HERE}", f"--junitxml={report}", str(folder)]
    command += ["-k", args.expression] if args.expression else []
    environment = {**os.environ, "TENON_BUILD": str(args.build), "TENON_FULL": "1" if args.full else "0",
                   "TENON_JOBS": str(args.jobs), "TENON_PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"}
    status = run(command, 7200, env=environment)
    if status == 5 and args.expression:  # nothing was selected
        return
    tally.add_report(report, status, suite)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--suite", default=",".join(SUITES))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("-k", dest="expression", default="")
    args = parser.parse_args()
    args.build = args.build.resolve()
    suites = args.suite.split(",")
    if unknown := set(suites) - set(SUITES):
        parser.error(f"unknown suite {', '.join(sorted(unknown))}: the suites are {', '.join(SUITES)}")
    results = args.build / "test-results"
    results.mkdir(parents=True, exist_ok=True)
    for old in results.glob("*.xml"):
        old.unlink()
    tally, runners = Tally(), {"lit": run_lit, "unit": run_unit, "conformance": run_conformance, "fuzz": run_fuzz}
    for suite in suites:
        print(f"\n== {suite}", flush=True)
        started, passed, failed = time.time(), tally.passed, tally.failed
        if suite in runners:
            runners[suite](args, results, tally)
        else:
            run_pytest(args, results, tally, suite)
        print(f"{suite}: {tally.passed - passed} passed, {tally.failed - failed} failed, "
              f"{time.time() - started:.0f} s", flush=True)
    print()
    for name in tally.names:
        print(f"failed: {name}")
    if tally.skipped:
        print(f"skipped: {tally.skipped}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
