"""Running `tenon` as a user would, and comparing its numbers with ONNX Runtime's."""
import re
import resource
import signal
import subprocess
import time

import numpy as np


def run(program, *arguments, timeout=120, memory=None, cwd=None):
    """Runs a tool. `memory` limits its address space, in bytes. Adds .seconds and .max_rss (bytes) to the result."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    started = time.monotonic()
    child = subprocess.Popen([str(a) for a in (program, *arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, errors="replace", cwd=cwd, preexec_fn=limit)
    try:
        out, err = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    done = subprocess.CompletedProcess(child.args, child.returncode, out, err)
    done.seconds = time.monotonic() - started
    done.max_rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return done


def describe(done):
    status = done.returncode
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
    return f"{' '.join(done.args)}\n{how} after {done.seconds:.1f} s\n{done.stderr[-3000:]}"


def succeed(program, *arguments, **more):
    done = run(program, *arguments, **more)
    assert done.returncode == 0, describe(done)
    return done


def assert_refused(done, names=(), codes=(1, 2, 3, 4, 5)):
    """A documented exit code, and a message with a stable code, the node's name, a reason and a remedy."""
    assert done.returncode in codes, describe(done)
    assert re.search(r"\bTN\d{4}\b", done.stderr), "no stable code:\n" + describe(done)
    for name in names:
        assert name in done.stderr, f"the message does not name {name}:\n" + describe(done)
    assert re.search(r"remedy|help|hint", done.stderr, re.I), "no remedy:\n" + describe(done)
    assert not re.search(r"Assertion|PLEASE submit a bug|Stack dump|terminate called", done.stderr), describe(done)


def encode(name):
    """The file name of an output: every byte outside of [A-Za-z0-9._-] percent-encoded."""
    safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    return "".join(chr(b) if b in safe else f"%{b:02X}" for b in name.encode())


def run_plan(tenon, plan, feeds, names, folder, *options, timeout=300):
    """`tenon run` on named arrays; returns the outputs in the order of `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = []
    for index, (name, array) in enumerate(feeds.items()):
        np.save(folder / f"input{index}.npy", array)
        arguments += ["--input", f"{name}={folder / f'input{index}.npy'}"]
    succeed(tenon, "run", plan, *arguments, f"--output-dir={folder / 'out'}", *options, timeout=timeout)
    return [np.load(folder / "out" / f"{encode(name)}.npy") for name in names]


def onnxruntime(path, threads=0):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def relmax(got, want):
    """Largest absolute difference over the largest absolute value wanted; integers and booleans must be equal."""
    assert got.shape == want.shape, f"shape {got.shape}, expected {want.shape}"
    assert got.dtype == want.dtype, f"type {got.dtype}, expected {want.dtype}"
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else np.inf
    assert np.isfinite(got).all(), "not finite"
    scale = float(np.abs(want.astype(np.float64)).max(initial=0))
    return float(np.abs(got.astype(np.float64) - want).max(initial=0)) / max(scale, 1e-30)


def cpu_archs():
    """The code variants of a default plan that this machine can run."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = set(next((line for line in file if line.startswith("flags")), "").split())
    v3, v4 = {"avx2", "fma", "bmi2"}, {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
    return [a for a, needed in (("x86-64-v3", v3), ("x86-64-v4", v4)) if needed <= flags]
