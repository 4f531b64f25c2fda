"""A graph through Tenon, and its results against those that the oracle gave."""
import collections
import re
import subprocess
import tempfile

import numpy as np
import onnx

import element_types as et
import generate

# outcome: "pass", "refused", "invalid", "wrong", "error", "crash", "time-out"; reason: what failures have in common.
Result = collections.namedtuple("Result", "outcome reason detail ops seconds")

# Codes by which Tenon names a form that it does not support. A graph is valid by construction, so any other is a fault.
ACCEPTED = {
    "TN1201": "no such operator",
    "TN1202": "a form of the operator",
    "TN1203": "an extent that depends on data where none may",
    "TN1204": "an element type",
    "TN1205": "a form of control flow",
    "TN1206": "a sequence or optional where none may be",
    "TN1207": "SAME padding of an extent that is open",
    "TN1208": "a rank that only a run knows",
    "TN1301": "not exportable",
    "TN2101": "an extent whose expression is too complex",
}

# The twins of maker.py tell how far rounding may move a result; so many times their spread, and of a result's largest
# element so many times the noise of its type, is what a result may be off.
_SPREADS, _NOISES = 8, 4


def tolerance(value):
    """How far each element of `value` may be off."""
    wide = value.array.astype(np.float64)
    if not wide.size:
        return 0.0
    spread = max(np.max(np.abs(twin.astype(np.float64) - wide)) for twin in value.twins)
    return _SPREADS * spread + _NOISES * et.noise(value.dtype) * np.max(np.abs(wide)) + 1e-30


def difference(value, found):
    """What is wrong with `found`, or None."""
    if not isinstance(found, np.ndarray) and not isinstance(found, np.generic):
        return "kind", f"{type(found).__name__}"
    if found.dtype != value.dtype:
        return "type", f"{found.dtype} for {value.dtype}"
    if found.shape != value.shape:
        return "shape", f"{found.shape} for {value.shape}"
    if not et.noise(value.dtype):
        if np.array_equal(found, value.array):
            return None
        at = np.argwhere(np.asarray(found != value.array))
        return "values", f"{len(at)} of {value.array.size} differ, first at {at[0].tolist()}: " \
                         f"{found[tuple(at[0])]} for {value.array[tuple(at[0])]}"
    off = np.abs(found.astype(np.float64) - value.array.astype(np.float64))
    bound = tolerance(value)
    if np.all(off <= bound):  # false for NaN
        return None
    at = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
    return "values", f"at {[int(i) for i in at]} {found[at]} for {value.array[at]}, off by {off[at]:.3g}, may be {bound:.3g}"


def key_of(error):
    text = getattr(error, "reason", str(error))
    return f"{error.code} " + re.sub(r"\d+", "#", re.sub(r"'[^']*'|\"[^\"]*\"|<[^>]*>|\[[^\]]*\]", "..", text))[:140]


def _there_and_back(model, translate):
    """`model` as the graph dialect exports it, or why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/in.onnx")
        for arguments in (("--onnx-to-graph", f"{folder}/in.onnx", "-o", f"{folder}/graph.mlir"),
                          ("--graph-to-onnx", f"{folder}/graph.mlir", "-o", f"{folder}/out.onnx")):
            done = subprocess.run([translate, *arguments], capture_output=True, text=True)
            if done.returncode:
                reason = (re.findall(r"error: (TN\d+: .*)", done.stderr) or [f"status {done.returncode}"])[0]
                return None, re.sub(r"'[^']*'", "..", reason) if done.returncode == 1 else f"crash: {reason}"
        exported = onnx.load(f"{folder}/out.onnx")
        onnx.checker.check_model(exported)
        return exported, ""


# What only a run can tell to be such a form (TN7010), in the words of the plan.
_RUN_TIME = ("elements to pad with", "axes of Squeeze, or extents other than 1")


def _is_refused_at_run_time(graph, error):
    """Whether `error` names a form that is not supported, beside _RUN_TIME that a node would repeat a dimension which only
    a run knows to be 1: what is not 1 when a model is imported is not broadcast."""
    named = re.search(r"node '(n\d+)' needs (.*?)( \(|$)", str(error))
    node = next((node for node in graph.nodes if named and node.name == named[1]), None)
    if error.code != "TN7010" or node is None:
        return False
    shapes = [graph.values[name].shape[::-1] for name in [*node.input, *node.output] if name in graph.values]
    repeats = any(a != b and 1 in (a, b) for x in shapes for y in shapes for a, b in zip(x, y))
    return named[2] in _RUN_TIME or named[2] == "equal extents" and repeats


# How graphs are split where they are: what cannot be (one sample, one op) is refused by these codes.
PLANS = ("data:2", "data:3", "tensor:2", "tensor:3", "pipeline:2", "pipeline:3", "data:2,tensor:2", "tensor:4",
         "tensor:2,pipeline:2", "data:2,pipeline:2", "data:2,tensor:2,pipeline:2")
UNSPLIT = {"TN4020": "nothing to split along an axis", "TN4021": "control flow of a run"}


def _compile_over_ranks(model, number, **options):
    """Split by the first of PLANS, from `number` on, that the graph can be split by."""
    import tenon
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/cluster.json", "w", encoding="utf-8") as file:
            file.write('{"devices": [{"kind": "cpu", "count": 8}]}')
        for i in range(len(PLANS)):
            try:
                return tenon.compile(model, devices=file.name, parallel=PLANS[(number + i) % len(PLANS)], **options)
            except tenon.Error as error:
                if error.code != "TN4020" or i + 1 == len(PLANS):
                    raise
    return None


def check(graph, stage=lambda name: None, target="cpu", translate=None, plan_number=None):
    """Compiles and runs `graph`, or what `translate` (tenon-translate) exports of it; with a plan_number over ranks.
    `stage` is told what is about to happen."""
    import tenon
    ops = sorted({node.op_type for node in graph.nodes})
    if not graph.outputs:
        return Result("invalid", "empty", "", ops, 0)
    model = generate.to_model(graph)
    if translate:
        stage("export")
        model, why = _there_and_back(model, translate)
        if model is None:
            return Result("refused" if why[:6] in ACCEPTED else "error", why, why, ops, 0)
    stage("compile")
    try:
        archs = [tenon.cpu_arch()] if target == "cpu" and hasattr(tenon, "cpu_arch") else None
        options = {"target": target, "archs": archs, "jobs": 1}
        plan = tenon.compile(model, **options) if plan_number is None else _compile_over_ranks(model, plan_number, **options)
        stage("run")
        session = tenon.Session(plan, threads=1)
        results = session.run(None, generate.feeds_of(graph, model))
    except tenon.Error as error:
        refused = error.code in ACCEPTED or plan_number is not None and error.code in UNSPLIT or _is_refused_at_run_time(graph, error)
        return Result("refused" if refused else "error", key_of(error), str(error), ops, 0)
    problems = []
    for name, found in zip(graph.outputs, results, strict=True):
        problem = difference(graph.values[name], found)
        if problem:
            node = next(node for node in graph.nodes if name in node.output)
            problems.append((problem[0], node.op_type, f"{name} = {node.op_type}: {problem[0]}: {problem[1]}"))
    if problems:
        return Result("wrong", f"{problems[0][0]} of {problems[0][1]}", "\n".join(p[2] for p in problems), ops, 0)
    return Result("pass", "", "", ops, 0)
