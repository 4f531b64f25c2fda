"""The ONNX backend test suite, run test by test: each in a process forked from this one, with a time limit.

The tests are those of onnx.backend.test for the device CPU, with the tolerances of the suite; beside that, integers and
bools must agree exactly. The parent has imported everything and compiled a model once, so that a fork is cheap.
"""
import collections
import contextlib
import gc
import io
import os
import pathlib
import pickle
import re
import resource
import select
import signal
import tempfile
import time
import traceback
import warnings

import numpy as np
import onnx
import onnx.backend.test.runner

import groups

Case = collections.namedtuple("Case", "name function group ops types")
Result = collections.namedtuple("Result", "outcome reason detail seconds")  # outcome: "pass" or a class of failure


_PATIENCE = 10  # seconds that may pass for a second of processor time


class _Runner(onnx.backend.test.runner.Runner):
    @classmethod
    def assert_similar_outputs(cls, ref_outputs, outputs, rtol, atol, model_dir=None):
        # The suite takes a sequence for a tensor's rows, of which an output may have fewer or more: no fit for scalars.
        references, found = _tensors_of(ref_outputs), _tensors_of(outputs)
        assert [path for path, _ in found] == [path for path, _ in references], "outputs differ in their structure"
        references, found = [tensor for _, tensor in references], [tensor for _, tensor in found]
        super().assert_similar_outputs(references, found, rtol, atol, model_dir)
        for reference, output in zip(references, found):
            if reference.dtype.kind in "iub":
                np.testing.assert_array_equal(output, reference, err_msg="integers must agree exactly")


def _tensors_of(values, path=()):
    """All tensors among outputs, each with where it is: (output,) or (output, position). None is an empty optional."""
    found = []
    for i, value in enumerate(values):
        if isinstance(value, (list, tuple)):
            found += [((*path, i, "sequence"), np.empty(0))] + _tensors_of(value, (*path, i))
        else:
            found.append(((*path, i, "none"), np.empty(0)) if value is None else ((*path, i), value))
    return found


def _model_of(test):
    if test.model is not None:
        return test.model
    root = pathlib.Path(onnx.__file__).parent
    path = pathlib.Path(test.model_dir) / "model.onnx" if test.model_dir else root.parent / test.url
    return onnx.load(path, load_external_data=False)


def load(backend, home):
    """All tests, by name in the order of the suite. `home`: a folder for what the suite writes."""
    os.environ["ONNX_HOME"] = str(home)
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        runner = _Runner(backend)
        tests = [test for kind in ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
                 for test in onnx.backend.test.runner.load_model_tests(kind=kind)]
    functions = {name: item.func for items in runner._test_items.values() for name, item in items.items()}
    cases = []
    for test in tests:
        model = _model_of(test)
        cases.append(Case(test.name, functions[f"{test.name}_cpu"], groups.group_of(model), groups.operators(model),
                          groups.type_names(model)))
    assert len(cases) == len({case.name for case in cases})
    return cases


def _classify(error):
    """Class and key of a failure. Refusals of the compiler are keyed by code, operator and message without names."""
    code = getattr(error, "code", None)
    text = str(error)
    if isinstance(code, str):
        reason = getattr(error, "reason", text)
        return "refused", f"{code} " + re.sub(r"'[^']*'", "'..'", reason) if "no import rule" not in reason else \
            f"{code} no rule for {re.findall(r'([A-Za-z0-9]+) [(]opset', reason)[0]}"
    if isinstance(error, AssertionError):
        for sign, key in (("exactly", "integers differ"), ("shape", "wrong shape"), ("dtype", "wrong type"),
                          ("Not equal to tolerance", "wrong values")):
            if sign in text:
                return "wrong", key
        return "wrong", "outputs differ"
    return "error", f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"[:120]


def _attempt(case):
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            case.function(None)
        return Result("pass", "", "", 0)
    except BaseException as error:  # a skip is a failure too
        outcome, reason = _classify(error)
        detail = str(error) if outcome != "error" else traceback.format_exc()
        return Result(outcome, reason, detail, 0)


class _Child:
    """A test on its way."""

    def __init__(self, case, limit):
        self.case, self.started, self.limit = case, time.monotonic(), limit
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(end)
        os.close(end)
        self.data = b""

    def _be_the_child(self, end):
        try:
            os.close(self.pipe)
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit))
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            data = pickle.dumps(_attempt(self.case))
            while data:
                data = data[os.write(end, data):]
        finally:
            os._exit(0)

    def read(self):
        """The result once there is one, else None."""
        chunk = os.read(self.pipe, 1 << 16)
        self.data += chunk
        return None if chunk else self._finish(None)

    def kill_if_late(self):
        if time.monotonic() - self.started < _PATIENCE * self.limit:
            return None
        os.kill(self.pid, signal.SIGKILL)
        return self._finish(Result("time-out", f"more than {_PATIENCE * self.limit} s", "", 0))

    def _finish(self, result):
        os.close(self.pipe)
        status = os.waitpid(self.pid, 0)[1]
        if result is None and self.data:
            result = pickle.loads(self.data)
        if result is None:
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            result = Result("crash", signal.Signals(number).name if number else "exit", "", 0)
            if number in (signal.SIGXCPU, signal.SIGKILL):
                result = Result("time-out", f"more than {self.limit} s of processor time", "", 0)
        return result._replace(seconds=time.monotonic() - self.started)


def warm(backend):
    """Compiles and runs a model once."""
    node = onnx.helper.make_node("Add", ["a", "b"], ["c"])
    x = np.ones(3, np.float32)
    backend.run_node(node, [x, x])


def run(cases, workers, limit=60):
    """Yields (case, result) as tests end. `limit`: seconds of processor time a test."""
    gc.collect()
    gc.freeze()  # children would copy pages only to count references
    waiting, running = list(reversed(cases)), []
    with tempfile.TemporaryDirectory(prefix="tenon-conformance-") as folder:
        tempfile.tempdir = folder  # a child that is killed leaves its plan here
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_Child(waiting.pop(), limit))
            ready = select.select([child.pipe for child in running], [], [], 0.2)[0]
            for child in list(running):
                result = child.read() if child.pipe in ready else child.kill_if_late()
                if result is not None:
                    running.remove(child)
                    yield child.case, result
        tempfile.tempdir = None
