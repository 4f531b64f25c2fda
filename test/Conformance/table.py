"""docs/Conformance.md, from the results of a run."""
import collections
import textwrap

import onnx

import groups

_HEAD = """# Conformance

Written by `test/Conformance/run.py --update`; do not edit. The ONNX backend test suite of onnx {version}: every test as
given, with the suite's tolerances; integers and bools exactly besides. Each test compiles its model and runs it on the
CPU in a process of its own. A refusal, a skip, a time-out and a crash are failures.

| group | tests | pass | |
|---|---|---|---|
"""


def _row(name, results):
    passed = sum(result.outcome == "pass" for _, result in results)
    return f"| {name} | {len(results)} | {passed} | {100 * passed / max(len(results), 1):.1f} % |\n"


def _failures(results):
    reasons = collections.defaultdict(list)
    for case, result in results:
        if result.outcome != "pass":
            reasons[result.outcome, result.reason].append(case.name)
    text = ""
    for (outcome, reason), names in sorted(reasons.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        reason = reason.replace("|", "/").replace("<", "(").replace(">", ")")
        text += f"\n{len(names)} {outcome}: {reason}\n"
        text += textwrap.fill(" ".join(name.removeprefix("test_") for name in names), 118, initial_indent="  ",
                              subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) + "\n"
    return text


def write(results):
    """The page, as text. `results`: (case, result) of all tests."""
    text = _HEAD.format(version=onnx.__version__)
    for group in groups.GROUPS:
        text += _row(group, [entry for entry in results if entry[0].group == group])
    text += _row("**core** (the first seven)", [entry for entry in results if entry[0].group in groups.CORE])
    text += _row("**all**", results)
    return text + f"\n## What fails\n\n```{_failures(results)}```\n"
