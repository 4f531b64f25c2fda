"""Compiling a model, and the plan that comes of it."""
from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import Error


class Plan:
    """A compiled model in a file: one made by `compile`, which goes when the plan does, or one that exists."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path)

    @property
    def path(self) -> pathlib.Path:
        """Where the plan is now."""
        return self._path

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the plan to `path`, whole or not at all."""
        target = pathlib.Path(path)
        part = target.with_name(f"{target.name}.part{os.getpid()}")
        try:
            shutil.copyfile(self._path, part)
            os.replace(part, target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Error("TN6020", f"cannot write '{target}': {error.strerror}",
                        "check that the folder exists, is writable and has space") from error

    def __repr__(self) -> str:
        return f"tenon.Plan({str(self._path)!r})"


def _serialise(model: Any) -> bytes:
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model)
    if not hasattr(model, "SerializeToString"):
        raise TypeError(f"expected a path, an onnx.ModelProto or bytes, found {type(model).__name__}")
    try:
        return model.SerializeToString()
    except Exception as error:  # protobuf's own class is not known here
        raise Error("TN1003", f"the model cannot be serialised: {error}",
                    "save it with external data and compile the file") from error


def _load_compiler() -> Any:
    try:
        from . import _compiler
    except ImportError as error:
        raise Error("TN9014", f"the compiler cannot be loaded: {error}",
                    "install the libraries of LLVM and MLIR 22.1") from error
    return _compiler


def _texts(folder: str, calibration: Any, **options: str | None) -> dict[str, str]:
    """The options that are given; data that are no path are written into `folder` first."""
    texts = {name: text for name, text in options.items() if text is not None}
    if calibration is not None and not isinstance(calibration, (str, os.PathLike)):
        from . import data
        path = os.path.join(folder, "calibration.npz")
        data.save(calibration, path)
        calibration = path
    if calibration is not None:
        texts["calibration"] = os.fspath(calibration)
    return texts


def compile(model: Any, target: str = "cpu", threads: int = 0, *,
            shapes: Mapping[str, Sequence[int]] | None = None,
            fixed_shapes: Mapping[str, Sequence[int]] | None = None,
            archs: Sequence[str] | None = None, optimization: int = 2, jobs: int = 0,
            precision: str = "full", device: str | os.PathLike[str] | None = None, keep_source: bool = False,
            timings: str | os.PathLike[str] | None = None, tactics: str = "auto",
            host_kernels: bool = True, devices: str | os.PathLike[str] | None = None,
            parallel: str = "auto", quantize: str | None = None, rounding: str | None = None,
            range: str | None = None, prune: str | None = None, prune_method: str | None = None,
            low_rank: float = 0, merge: bool = False, calibration: Any = None, samples: int = 128,
            keep: Sequence[str] = ()) -> Plan:
    """Compiles a model: the path of an .onnx file, an onnx.ModelProto, or its serialised bytes.

    threads       thread count the plan asks for; 0 = all cores. A session may override it.
    shapes        extents of inputs to optimise for; the plan still serves every size
    fixed_shapes  extents of inputs that the plan shall serve alone
    archs         such as ["x86-64-v4", "x86-64-v3"], the default
    optimization  0 to 3
    jobs          compile workers; 0 = all cores; does not change the plan
    precision     "full", or what products compute in on a GPU: "tf32", "fp16", "bf16"
    device        what to tune for, by name ("h100") or as the path of a description; implies its architecture
    keep_source   keep the text of the kernels in the plan, for `tenon inspect --kernels`
    timings       a file of what `tenon tune` measured, by which tactics are chosen
    tactics       "own", "libraries" (cuBLASLt and cuDNN wherever they compute a region; for cuda) or "auto": what the
                  timings say is faster
    host_kernels  what has no kernel on a GPU runs on the processor beside it, with copies; False: it is an error
    devices       a cluster to split the model over, by name or as the path of a description; a session runs each rank
                  of the plan on threads of its own
    parallel      with devices, how: "auto", the fastest, or "data:2,tensor:4,pipeline:2", any of them

    quantize ..   how the model is compressed first: see compress()

    Raises tenon.Error where the model is wrong or not supported.
    """
    _compiler = _load_compiler()
    is_path = isinstance(model, (str, os.PathLike))
    folder = tempfile.mkdtemp(prefix="tenon-")
    plan = Plan(os.path.join(folder, "model.tenon"))
    weakref.finalize(plan, shutil.rmtree, folder, ignore_errors=True)
    compression = _texts(folder, quantize=quantize, rounding=rounding, range=range, prune=prune,
                         prune_method=prune_method, calibration=calibration)
    _compiler.compile(path=os.fspath(model) if is_path else None, data=None if is_path else _serialise(model),
                      output=str(plan.path), target=target, threads=threads, jobs=jobs, optimization=optimization,
                      precision=precision, device=None if device is None else os.fspath(device), keep_source=keep_source,
                      timings=None if timings is None else os.fspath(timings), tactics=tactics,
                      host_kernels=host_kernels, devices=None if devices is None else os.fspath(devices),
                      parallel=parallel, archs=None if archs is None else list(archs),
                      shapes={name: list(dims) for name, dims in (shapes or {}).items()},
                      fixed_shapes={name: list(dims) for name, dims in (fixed_shapes or {}).items()},
                      compression=compression, low_rank=low_rank, samples=samples, merge=merge, keep=list(keep))
    return plan


def compress(model: Any, output: str | os.PathLike[str], *, quantize: str | None = None, rounding: str | None = None,
             range: str | None = None, prune: str | None = None, prune_method: str | None = None,
             precision: str | None = None, low_rank: float = 0, merge: bool = False, calibration: Any = None,
             samples: int = 128, keep: Sequence[str] = ()) -> None:
    """Makes a model smaller or faster and writes it to the file `output` as ONNX.

    quantize      "int8", "int8-dynamic", "int8-weights", "int4", "int4:128", "fp8", "fp8-e5m2"
    rounding      "nearest", "gptq" or "awq"; None: gptq for int4 with data, else nearest
    range         of values in int8 and fp8, from the data: "mse", the default, "minmax", "percentile:99.9", "entropy"
    prune         "2:4", "magnitude:0.5", "channels:0.5"
    prune_method  "magnitude", "wanda" or "sparsegpt"; None: sparsegpt with data
    precision     "fp16" or "bf16"; with data, what 16 bits are too few for keeps f32
    low_rank      the part of each layer's output, as a norm, that a product of two smaller matrices keeps
    merge         linear layers that can be one become one
    calibration   data: the path of an .npz or a folder, or an iterable of {input: array}, which is written to a
                  temporary file sample by sample
    samples       of the data that are used, at most
    keep          names of nodes that stay as they are; * stands for anything

    Raises tenon.Error where the model is wrong or not supported, or data are needed and not given.
    """
    _compiler = _load_compiler()
    with tempfile.TemporaryDirectory(prefix="tenon-") as folder:
        if isinstance(model, (str, os.PathLike)):
            path = os.fspath(model)
        else:
            path = os.path.join(folder, "model.onnx")
            pathlib.Path(path).write_bytes(_serialise(model))
        texts = _texts(folder, quantize=quantize, rounding=rounding, range=range, prune=prune,
                       prune_method=prune_method, precision=precision, calibration=calibration)
        _compiler.compress(path=path, output=os.fspath(output), compression=texts, low_rank=low_rank, samples=samples,
                           merge=merge, keep=list(keep))
