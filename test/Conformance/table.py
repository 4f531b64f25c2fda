"""docs/Conformance.md, from the results of a run."""
import collections
import pathlib
import textwrap

import onnx
import onnx.defs

import groups

_HEAD = """# Conformance

Written by `test/Conformance/run.py --update`; do not edit. The ONNX backend test suite of onnx {version}: every test as
given, with the suite's tolerances; integers and bools exactly besides. Each test compiles its model and runs it on the
CPU in a process of its own. A refusal, a skip, a time-out and a crash are failures.

| group | tests | pass | |
|---|---|---|---|
"""


_OPS_HEAD = """# Supported operators

Written by `test/Conformance/run.py --update`; do not edit. For each operator of ai.onnx: the tests of the ONNX backend
test suite with it that pass on the CPU ([Conformance.md](Conformance.md)), of how many, and the element types of those
that pass. `_expanded` tests count for the operators that their function's body uses. Opsets are 1 to 28: a rule of an
operator holds for all versions of it unless the compiler refuses one by name (TN1201, TN1202).

{gpu}
| operator | pass | of | types |
|---|---|---|---|
"""


def _gpu():
    """What of the tests is lost on the virtual GPU, by the list that `run.py --target=vgpu --update` writes."""
    lost = (pathlib.Path(__file__).parent / "vgpu-lost.list").read_text().split()
    text = ("GPU targets run what has a CUDA kernel, and the rest on the processor with copies between, or refuse it by name "
            f"(TN5001, `--host-kernels=refuse`). Of the tests that passed on the CPU when the suite was last run on the "
            f"virtual GPU (`run.py --target=vgpu --update`), it loses {len(lost)}: " + ", ".join(name.removeprefix("test_") for name in lost) + ".")
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False) + "\n"


def write_ops(results):
    """docs/SupportedOps.md, as text."""
    names = sorted({schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""})
    text = _OPS_HEAD.format(gpu=_gpu())
    for name in names:
        tests = [(case, result) for case, result in results if name in case.ops]
        passed = [case for case, result in tests if result.outcome == "pass"]
        types = sorted({kind for case in passed for kind in case.types})
        text += f"| {name} | {len(passed)} | {len(tests)} | {' '.join(types)} |\n"
    return text


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
