"""Makes what `./dev gpu-test` takes to a machine with a GPU: plans, their weights, and the sources of the runtime.

usage: make_bundle.py --build BUILD --out FOLDER [--target cuda|vgpu] [--device h100] [--precision fp32] [-k NAME]

For products and convolutions it also holds a plan for each tactic (tiles of ours, cuBLASLt, cuDNN), compiled for --device:
what `tenon tune` would time if it could run there.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases import CASES, arrays

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 60 << 20
LARGEST_TUNED = 2 << 20  # bytes of weights: every plan holds them
RUNTIME = ["include/tenon", "include/tenon-c", "lib/Plan", "lib/Runtime", "lib/CAPI"]


def to_model(case):
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    constants = {name: array for name, array in arrays(case, case.sizes[0]).items() if name in case.weights}
    nodes, initializers = [], [numpy_helper.from_array(array, name) for name, array in constants.items()]
    for i, (op, inputs, output, attributes) in enumerate(case.nodes):
        attributes = dict(attributes)
        if "axes" in attributes:  # an input since opset 18
            initializers.append(numpy_helper.from_array(np.array(attributes.pop("axes")), f"axes{i}"))
            inputs = [*inputs, f"axes{i}"]
        nodes.append(helper.make_node(op, inputs, [output], name=f"{case.name}_{i}", **attributes))
    graph = helper.make_graph(nodes, case.name, [value(name, dims) for name, dims in case.inputs.items()],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11)
    return onnx.shape_inference.infer_shapes(model), constants


def compile_case(case, args):
    folder = args.out / "plans"
    model, constants = to_model(case)
    path = folder / f"{case.name}.onnx"
    onnx.save(model, path)
    np.savez(folder / f"{case.name}.npz", **constants)
    for precision in set(case.precisions) & set(args.precision or case.precisions):
        plan = folder / f"{case.name}.{precision}.tenon"
        command = [args.build / "bin/tenon", "compile", path, f"--target={args.target}", "-o", plan]
        command += [f"--precision={precision}"] if precision != "fp32" else []
        compile_with(command, f"{case.name} in {precision}")
        if args.target == "cuda" and case.is_tuned and sum(array.nbytes for array in constants.values()) <= LARGEST_TUNED:
            tune_case(case, path, precision, args)
    path.unlink()


def compile_with(command, what):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{what}: {done.stderr}")


def tune_case(case, path, precision, args):
    size = case.sizes[-1]
    command = [args.build / "bin/tenon", "tune", path, "--target=cuda", f"--device={args.device}",
               "--plans", args.out / "tune" / f"{case.name}.{precision}"]
    for name in case.inputs:
        command += ["--shape", f"{name}={'x'.join(str(d) for d in case.dims(name, size))}"]
    command += [f"--precision={precision}"] if precision != "fp32" else []
    compile_with(command, f"tactics of {case.name} in {precision}")


def copy_sources(out):
    for folder in RUNTIME:
        shutil.copytree(ROOT / folder, out / folder, ignore=shutil.ignore_patterns("vgpu", "CMakeLists.txt"))
    header = next(p for p in (pathlib.Path("/usr/include"), pathlib.Path("/usr/local/include")) if (p / "flatbuffers").exists())
    shutil.copytree(header / "flatbuffers", out / "include/flatbuffers")
    for name in ("cases.py", "run_bundle.py", "tuning.py"):
        shutil.copy(ROOT / "test/Gpu" / name, out / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--target", default="cuda")
    parser.add_argument("--device", default="h100", help="the GPU whose tactics are timed; a name that tenon compile knows")
    parser.add_argument("--precision", action="append", help="only this one; may be repeated")
    parser.add_argument("-k", action="append", help="only cases whose name contains this; may be repeated")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    (args.out / "plans").mkdir(parents=True)
    copy_sources(args.out)
    for case in CASES:
        if any(part in case.name for part in args.k or [""]):
            compile_case(case, args)
            print(case.name, flush=True)
    size = sum(p.stat().st_size for p in args.out.rglob("*") if p.is_file())
    print(f"{args.out}: {size / 1e6:.1f} MB")
    if size > LIMIT:
        sys.exit(f"the bundle must stay below {LIMIT >> 20} MiB")


if __name__ == "__main__":
    main()
