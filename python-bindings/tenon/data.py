"""Data sets for calibration and evaluation, written from Python.

    tenon.data.save(({"x": x, "label": y} for x, y in loader), "calibration.npz")

`tenon data inspect` lists what is in one; docs/HowTo/Data.md says what the axes mean.
"""
from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO, Any

import numpy as np

from ._errors import Error

__all__ = ["save"]


class _Column:
    """The arrays of one name, in a file until all are known."""

    def __init__(self, array: np.ndarray[Any, Any], folder: str) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)

    def write(self, archive: zipfile.ZipFile, name: str, count: int) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False,
                  "shape": (count, *self.shape)}
        self.file.seek(0)
        with archive.open(name + ".npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            shutil.copyfileobj(self.file, member, 1 << 20)


def _no_samples() -> Error:
    return Error("TN9057", "there are no samples", "give at least one; an iterator gives its samples once")


def _arrays(sample: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    if not isinstance(sample, Mapping):
        raise TypeError(f"a sample is a dictionary of arrays, as {{'x': array}}, not {type(sample).__name__}")
    arrays = {str(name): np.asarray(value, order="C") for name, value in sample.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject or array.dtype.kind in "USMm":
            raise Error("TN9006", f"'{name}': elements of type {array.dtype} are not supported",
                        "convert the array to a number type")
        if array.dtype.byteorder == ">":
            arrays[name] = array.astype(array.dtype.newbyteorder("<"))
    return arrays


def _save_stacked(samples: Iterable[Mapping[str, Any]], path: str) -> int:
    folder = os.path.dirname(path) or "."
    columns: dict[str, _Column] = {}
    count = 0
    part = f"{path}.part{os.getpid()}"
    try:
        for sample in samples:
            arrays = _arrays(sample)
            if count == 0:
                columns = {name: _Column(array, folder) for name, array in arrays.items()}
            if arrays.keys() != columns.keys():
                raise Error("TN9053", f"sample {count} has {sorted(arrays)}, the first one {sorted(columns)}",
                            "give the same names with every sample")
            for name, array in arrays.items():
                column = columns[name]
                if (array.shape, array.dtype) != (column.shape, column.dtype):
                    raise Error("TN9053", f"'{name}' of sample {count} is {array.dtype} {array.shape}, "
                                f"of the first one {column.dtype} {column.shape}",
                                "give a path that does not end in .npz: a folder with a file for each sample")
                column.file.write(array.tobytes())
            count += 1
        if count == 0:
            raise _no_samples()
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, column in columns.items():
                column.write(archive, name, count)
        os.replace(part, path)
    finally:
        for column in columns.values():
            column.file.close()
        if os.path.exists(part):
            os.remove(part)
    return count


def save(samples: Iterable[Mapping[str, Any]], path: str | os.PathLike[str]) -> int:
    """Writes what an iterator gives, one sample at a time, and returns how many there were.

    samples   dictionaries of arrays: those under names of inputs have the shapes that the model is run on, all others
              are targets ("label")
    path      FILE.npz: one file with a leading axis of samples, for which all samples have the same shapes; or else a
              folder, made if it is not there and else empty, with a .npz for each

    Nothing but one sample is in memory. Raises tenon.Error where samples do not go together (TN9053) or there
    are none (TN9057), and where the folder is not empty (TN9007).
    """
    if isinstance(samples, Mapping):
        raise TypeError("a data set is an iterable with a dictionary of arrays for each sample, not one dictionary: "
                        "give [{'x': sample} for sample in array] for {'x': array}")
    name = os.fspath(path)
    if name.endswith(".npz"):
        return _save_stacked(samples, name)
    if os.path.exists(name) and (not os.path.isdir(name) or os.listdir(name)):
        raise Error("TN9007", f"'{name}' exists and is no empty folder", "give a new folder, or FILE.npz")
    count = 0
    for sample in samples:
        arrays = _arrays(sample)
        os.makedirs(name, exist_ok=True)
        np.savez(os.path.join(name, f"{count:08}.npz"), **arrays)  # type: ignore[arg-type]
        count += 1
    if count == 0:
        raise _no_samples()
    return count
