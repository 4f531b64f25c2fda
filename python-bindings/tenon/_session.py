"""Loading and running a plan."""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _runtime
from ._errors import Error
from ._plan import Plan

# Numbers of TenonType in tenon-c/runtime.h.
_TYPES = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64",
          "uint8", "uint16", "uint32", "uint64", "bool", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
         "float8_e5m2fnuz", "uint4", "int4", "float4_e2m1fn", "float8_e8m0fnu", "uint2", "int2")
# Types that numpy lacks travel as unsigned integers of their size.
_FOREIGN = {_TYPES.index("bfloat16"), *range(_TYPES.index("float8_e4m3fn"), len(_TYPES))}

__version__: str = _runtime.version().split()[-1]


def cpu_arch() -> str:
    """The best architecture level of this machine, such as "x86-64-v4"."""
    return _runtime.cpu_arch()


def _dtype(number: int) -> np.dtype[Any]:
    if number in _FOREIGN:
        import ml_dtypes
        return np.dtype(getattr(ml_dtypes, _TYPES[number]))
    return np.dtype(_TYPES[number])


# Numbers of TenonValueKind.
_TENSOR, _SEQUENCE, _NONE = range(3)
_KINDS = ("tensor", "sequence")

Value = np.ndarray[Any, Any] | list[np.ndarray[Any, Any]] | None


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a model; of a sequence, what its elements are.

    dtype     as numpy and ml_dtypes name it
    shape     an extent, or the name of an extent that depends on the inputs ("" where it has none); None where the
              rank depends on them
    kind      "tensor", an array; or "sequence", a list of arrays
    optional  may also be None
    """
    name: str
    dtype: str
    shape: tuple[int | str, ...] | None
    kind: str = "tensor"
    optional: bool = False


def _describe(entry: tuple[str, int, list[int], list[str], int, bool, bool]) -> TensorInfo:
    name, number, dims, names, kind, optional, ranked = entry
    shape = tuple(d if d >= 0 else n for d, n in zip(dims, names)) if ranked else None
    return TensorInfo(name, _TYPES[number], shape, _KINDS[kind], optional)


def _array(name: str, value: Any) -> tuple[np.ndarray[Any, Any], int]:
    """A row-major array over the memory of `value`, copied only if it has another layout, and its type."""
    array = np.asarray(value)
    kind = array.dtype.name
    if kind not in _TYPES:
        raise Error("TN7005", f"input '{name}' has the type {kind}, which is not supported",
                    "convert it to the type that session.inputs lists")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array)
    number = _TYPES.index(kind)
    return (array.view(f"u{array.itemsize}") if number in _FOREIGN else array), number


def _value(info: TensorInfo, value: Any) -> tuple[int, int, list[np.ndarray[Any, Any]]]:
    """The value of an input as the extension module takes it."""
    if value is None and info.optional:
        return _NONE, 0, []
    if info.kind == "tensor":
        array, number = _array(info.name, value)
        return _TENSOR, number, [array]
    if not isinstance(value, (list, tuple)):
        raise Error("TN7005", f"input '{info.name}' must be a list of arrays, found {type(value).__name__}",
                    "pass a list, which may be empty")
    pairs = [_array(info.name, each) for each in value]
    for _, number in pairs:
        if _TYPES[number] != info.dtype:
            raise Error("TN7005", f"input '{info.name}' is a sequence of {info.dtype}, an element of it is of "
                        f"{_TYPES[number]}", "convert it to the type that session.inputs lists")
    return _SEQUENCE, _TYPES.index(info.dtype), [array for array, _ in pairs]


def _restore(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    return array.view(_dtype(number)) if number in _FOREIGN else array


class Session:
    """A loaded plan. `run` may be called from several threads at once; the GIL is released meanwhile."""

    def __init__(self, plan: Plan | str | os.PathLike[str], threads: int | None = None,
                 arch: str | None = None) -> None:
        """threads: None = as compiled, 0 = all cores. arch: forces a code object, such as "x86-64-v3"."""
        path = plan.path if isinstance(plan, Plan) else plan
        self._session = _runtime.Session(os.fspath(path), -1 if threads is None else threads, arch)
        self._inputs = [_describe(entry) for entry in self._session.inputs]
        self._outputs = [_describe(entry) for entry in self._session.outputs]
        self._is_plain = all(info.kind == "tensor" and not info.optional for info in self._inputs + self._outputs)

    @property
    def inputs(self) -> list[TensorInfo]:
        return list(self._inputs)

    @property
    def outputs(self) -> list[TensorInfo]:
        return list(self._outputs)

    @property
    def threads(self) -> int:
        """Threads in use."""
        return self._session.threads

    @property
    def arch(self) -> str:
        """Architecture of the code in use."""
        return self._session.arch

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, Any], *,
            profile: str | os.PathLike[str] | None = None) -> list[Value]:
        """Runs the model and returns the outputs of these names, or all of them in model order.

        inputs   an array for each input, a list of arrays for a sequence; None, or nothing, for an optional that is
                 empty. Row-major arrays of the right type are used where they are
        profile  a file for the times of all kernels, as a Chrome trace

        The arrays returned own the runtime's memory: nothing is copied. Those of a sequence may share it.
        """
        path = None if profile is None else os.fspath(profile)
        by_name = self._run_tensors(inputs, path) if self._is_plain else self._run_values(inputs, path)
        if outputs is None:
            return [by_name[info.name] for info in self._outputs]
        for name in outputs:
            if name not in by_name:
                raise Error("TN7003", f"there is no output '{name}'", f"the outputs are {', '.join(by_name)}")
        return [by_name[name] for name in outputs]

    def _run_tensors(self, inputs: Mapping[str, Any], profile: str | None) -> dict[str, Value]:
        arrays = {name: _array(name, value) for name, value in inputs.items()}
        # Names out of a file need not be UTF-8: they came as surrogates.
        names = [name.encode("utf-8", "surrogateescape") for name in arrays]
        results = self._session.run(names, [array for array, _ in arrays.values()],
                                    [number for _, number in arrays.values()], profile)
        return {name: _restore(array, number) for name, number, array in results}

    def _run_values(self, inputs: Mapping[str, Any], profile: str | None) -> dict[str, Value]:
        known = {info.name for info in self._inputs}
        for name in inputs:
            if name not in known:
                raise Error("TN7003", f"there is no input '{name}'", f"the inputs are {', '.join(known)}")
        for info in self._inputs:
            if info.name not in inputs and not info.optional:
                raise Error("TN7004", f"the input '{info.name}' is missing", "pass every input that is not optional")
        values = [_value(info, inputs.get(info.name)) for info in self._inputs]
        found: dict[str, Value] = {}
        for info, (kind, number, results) in zip(self._outputs, self._session.run_values(values, profile)):
            arrays = [_restore(array, number) for array in results]
            found[info.name] = arrays if kind == _SEQUENCE else arrays[0] if kind == _TENSOR else None
        return found
