"""Runs a bundle of make_bundle.py: every case at every size against numpy, then times beside torch where there is one.

usage: run_bundle.py [--library FOLDER] [--no-times] [-k NAME] [--out RESULTS.json] [--timings TIMINGS.jsonl]

Needs Python with numpy, g++ 11 or later (unless --library names the built runtime), and for target cuda a driver. The last
line is "N passed, N failed"; a table of times comes before it. Times are those of the plan's kernels, by events of the
device; torch's are measured by events, too. With --timings every tactic of products and convolutions is checked and timed,
libraries among them, and the timing database is written.
"""
import argparse
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

import tuning
from cases import CASES, TOLERANCE, arrays

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden", "-w", "-shared", "-pthread"]


def build(out):
    """The runtime and its CUDA device, by g++ alone."""
    compiler = os.environ.get("CXX", "g++")
    runtime = [*(HERE / "lib/Plan").glob("*.cpp"), *(HERE / "lib/Runtime").glob("*.cpp"), HERE / "lib/CAPI/Runtime.cpp"]
    libraries = {"libtenon_runtime.so": runtime,
                 "libtenon_device_cuda.so": [*(HERE / "lib/Runtime/devices/cuda").glob("*.cpp")]}
    for name, sources in libraries.items():
        subprocess.run([compiler, *FLAGS, '-DTENON_VERSION="bundle"', f"-I{HERE}/include", *sources, "-o", out / name, "-ldl"],
                       check=True)
    return out


class TensorStruct(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("type", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("dims", ctypes.POINTER(ctypes.c_int64))]


class RunOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("profile_path", ctypes.c_char_p)]


class Runtime:
    """The functions of tenon-c/runtime.h that are needed here."""

    def __init__(self, folder):
        self.c = ctypes.CDLL(str(folder / "libtenon_runtime.so"))
        for name in ("tenon_session_create", "tenon_session_run", "tenon_result_output"):
            getattr(self.c, name).restype = ctypes.c_void_p
        for name in ("tenon_error_code", "tenon_error_message", "tenon_session_arch"):
            getattr(self.c, name).restype = ctypes.c_char_p
        os.environ["TENON_DEVICE_PATH"] = str(folder)

    def check(self, error):
        if error:
            error = ctypes.c_void_p(error)
            raise RuntimeError((self.c.tenon_error_code(error) + b": " + self.c.tenon_error_message(error)).decode())

    def open(self, path):
        session = ctypes.c_void_p()
        self.check(self.c.tenon_session_create(str(path).encode(), None, ctypes.byref(session)))
        return session

    def run(self, session, inputs, profile=None):
        """The first output; inputs are float32 arrays by name."""
        tensors = (TensorStruct * len(inputs))()
        for tensor, (name, array) in zip(tensors, inputs.items()):
            dims = (ctypes.c_int64 * array.ndim)(*array.shape)
            tensor.name, tensor.data, tensor.type, tensor.rank, tensor.dims = name.encode(), array.ctypes.data, 0, array.ndim, dims
        options = RunOptions(ctypes.sizeof(RunOptions), str(profile).encode() if profile else None)
        result = ctypes.c_void_p()
        self.check(self.c.tenon_session_run(session, tensors, ctypes.c_size_t(len(inputs)), None, ctypes.c_size_t(0),
                                            ctypes.byref(options), ctypes.byref(result)))
        output = TensorStruct()
        self.check(self.c.tenon_result_output(result, ctypes.c_size_t(0), ctypes.byref(output)))
        shape = [output.dims[i] for i in range(output.rank)]
        count = int(np.prod(shape))
        values = np.ctypeslib.as_array(ctypes.cast(output.data, ctypes.POINTER(ctypes.c_float)), (count,)).copy()
        self.c.tenon_result_destroy(result)
        return values.reshape(shape)


def expected(case, data):
    return case.reference({name: array.astype(np.float64) for name, array in data.items()})


def load(case, size):
    """Inputs as in arrays(), weights as they were compiled in."""
    weights = np.load(HERE / "plans" / f"{case.name}.npz")
    data = arrays(case, size)
    return {name: weights[name] if name in case.weights else array for name, array in data.items()}


def compare(runtime, case, precision, limit, plan=None):
    """Messages of the sizes that disagree, and how many were run. `plan`: another one than the bundle's first."""
    session = runtime.open(plan or HERE / "plans" / f"{case.name}.{precision}.tenon")
    errors, ran = [], 0
    for size in case.sizes:
        if limit and case.flops and case.flops(size) > limit or limit and np.prod(list(size.values())) > limit:
            continue
        data = load(case, size)
        want = expected(case, data)
        got = runtime.run(session, {name: data[name] for name in case.inputs})
        error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-30) if got.shape == want.shape else np.inf
        ran += 1
        if not error <= TOLERANCE[precision]:
            errors.append(f"{case.name} in {precision}{f' by {plan.stem}' if plan else ''} at {size}: relmax {error:.2e}")
    runtime.c.tenon_session_destroy(session)
    return errors, ran


def kernel_seconds(runtime, case, precision, size, runs=20):
    session = runtime.open(HERE / "plans" / f"{case.name}.{precision}.tenon")
    data = load(case, size)
    inputs = {name: data[name] for name in case.inputs}
    times = []
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        for _ in range(runs):
            runtime.run(session, inputs, file.name)
            trace = json.loads(pathlib.Path(file.name).read_text())
            events = trace["traceEvents"] if isinstance(trace, dict) else trace
            times.append(sum(e["dur"] for e in events if e.get("ph") == "X" and e["name"].startswith("k")) / 1e6)
    runtime.c.tenon_session_destroy(session)
    return statistics.median(times)


def peer_seconds(torch, case, precision, size, compiled, runs=20):
    kind = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(precision, torch.float32)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    data = {name: torch.from_numpy(array).cuda().to(kind) for name, array in load(case, size).items()}
    function = lambda: case.peer(torch, data)
    if compiled:
        function = torch.compile(function)
    times = []
    for i in range(runs + 3):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        function()
        stop.record()
        torch.cuda.synchronize()
        if i >= 3:
            times.append(start.elapsed_time(stop) / 1e3)
    return statistics.median(times)


def copy_bandwidth(torch):
    """Bytes per second, read and written, of a copy within the GPU's memory."""
    x = torch.empty(1 << 28, device="cuda")
    y = torch.empty_like(x)
    times = []
    for i in range(13):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        y.copy_(x)
        stop.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(stop) / 1e3)
    return 2 * x.numel() * 4 / statistics.median(times[3:])


def show_times(runtime, cases):
    """A row per case and precision, at the last of its sizes."""
    try:
        import torch
    except ImportError:
        torch = None
    has_peer = torch is not None and torch.cuda.is_available()
    print(f"copy bandwidth: {copy_bandwidth(torch) / 1e9:.0f} GB/s" if has_peer else "no torch with a GPU: times of Tenon alone")
    print(f"{'case':<28}{'precision':<10}{'Tenon us':>10}{'TFLOP/s':>9}{'torch us':>10}{'compiled us':>12}{'ratio':>7}")
    results = []
    for case, precision in cases:
        size = case.sizes[-1]
        ours = kernel_seconds(runtime, case, precision, size)
        row = {"case": case.name, "precision": precision, "size": size, "seconds": ours}
        rate = f"{case.flops(size) / ours / 1e12:9.1f}" if case.flops and ours else " " * 9
        line = f"{case.name:<28}{precision:<10}{ours * 1e6:10.1f}{rate}"
        if has_peer:
            row["torch"] = peer_seconds(torch, case, precision, size, False)
            row["compiled"] = peer_seconds(torch, case, precision, size, True)
            best = min(row["torch"], row["compiled"])
            line += f"{row['torch'] * 1e6:10.1f}{row['compiled'] * 1e6:12.1f}{ours / best:7.2f}"
        print(line, flush=True)
        results.append(row)
    return results


def tune(runtime, cases, limit, path):
    """Checks and times the tactics of `cases`; messages of what disagrees, and how many were run."""
    lines, errors, ran = [], [], 0
    for case, precision in cases:
        folder = HERE / "tune" / f"{case.name}.{precision}"
        size = next((s for s in reversed(case.sizes) if not limit or case.flops and case.flops(s) <= limit), None)
        if not folder.exists() or size is None:
            continue
        data = load(case, size)
        timed, skipped = tuning.time_case(runtime, folder, {name: data[name] for name in case.inputs})
        lines += timed
        for plan in sorted(folder.glob("*.tenon")):
            if not any(f", {plan.stem}: " in each for each in skipped):
                wrong, number = compare(runtime, case, precision, limit or case.flops(case.sizes[-2]), plan)
                errors, ran = errors + wrong, ran + number
        for each in skipped:
            print(f"not measured: {each}", flush=True)
        for line in timed:
            print(f"{case.name:<28}{precision:<10}{line['median_us']:10.1f}  {line['tactic']}", flush=True)
    tuning.write(lines, path)
    return errors, ran


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=pathlib.Path, help="folder of libtenon_runtime.so and of the device")
    parser.add_argument("--no-times", action="store_true")
    parser.add_argument("--limit", type=float, default=0, help="leave out sizes with more operations or elements than this")
    parser.add_argument("-k", default="")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--timings", type=pathlib.Path, help="where to write the timing database")
    args = parser.parse_args()
    chosen = [(case, precision) for case in CASES for precision in case.precisions
              if args.k in case.name and (HERE / "plans" / f"{case.name}.{precision}.tenon").exists()]
    passed, failures = 0, []
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(args.library or build(pathlib.Path(folder)))
        for case, precision in chosen:
            try:
                errors, ran = compare(runtime, case, precision, args.limit)
            except RuntimeError as error:
                errors, ran = [f"{case.name} in {precision}: {error}"], 1
            failures += errors
            passed += ran - len(errors)
            for error in errors:
                print(f"FAILED {error}", flush=True)
        if args.timings:
            errors, ran = tune(runtime, chosen, args.limit, args.timings)
            failures += errors
            passed += ran - len(errors)
            for error in errors:
                print(f"FAILED {error}", flush=True)
        results = [] if args.no_times or failures else show_times(runtime, chosen)
    if args.out:
        args.out.write_text(json.dumps({"times": results, "failures": failures}, indent=1))
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(bool(failures) or passed == 0)


if __name__ == "__main__":
    main()
