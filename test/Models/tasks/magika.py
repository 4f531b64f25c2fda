"""Kinds of files by their content: magika's classifier, on files whose kind is known from how they came to be."""
import bz2
import gzip
import io
import json
import lzma
import pathlib
import pickle
import sysconfig
import tarfile
import wave
import zipfile

import numpy as np

from tasks import task

OF_A_KIND, BATCH, SEED = 28, 16, 3  # a quarter of the files calibrates
ROOT = task.HERE.parents[2]
# Labels of magika by the ends of file names, in the folders below.
INSTALLED = {".py": "python", ".hpp": "cpp", ".cpp": "cpp", ".json": "json", ".so": "elf", ".pyc": "pythonbytecode",
             ".md": "markdown", ".rst": "rst", ".txt": "txt", ".cmake": "cmake", ".css": "css", ".js": "javascript",
             ".html": "html", ".npy": "npy", ".pyi": "python", ".csv": "csv", ".xml": "xml",
             ".f90": "fortran", ".proto": "proto"}
PROGRAMS = {b"\x7fELF": "elf", b"#!/bin/sh": "shell", b"#!/bin/bash": "shell", b"#!/usr/bin/perl": "perl",
            b"#! /bin/sh": "shell", b"#!/usr/bin/python3": "python", b"#! /usr/bin/perl": "perl"}


def installed():
    """(kind, path) of files of Python packages, of the standard library, and of /usr/bin and /usr/share."""
    packages = [pathlib.Path(sysconfig.get_paths()[key]) for key in ("platlib", "stdlib")]
    for folder in [*packages, ROOT / "docs", ROOT / "cmake"]:
        for path in sorted(folder.rglob("*")):
            if path.suffix in INSTALLED and path.is_file() and path.stat().st_size > 400:
                yield INSTALLED[path.suffix], path
    for path in sorted(pathlib.Path("/usr/bin").iterdir()):
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as file:
                start = file.read(20)
            for magic, kind in PROGRAMS.items():
                if start.startswith(magic):
                    yield kind, path


def archive(rng, kind, data):
    """A file of a kind that packs or draws: made of the bytes of another one."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(zipfile.ZipInfo("part.txt", (2024, 1, 1, 0, 0, 0)), data)
    elif kind == "tar":
        with tarfile.open(fileobj=out, mode="w") as file:
            info = tarfile.TarInfo("part.txt")
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    elif kind == "wav":
        with wave.open(out, "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
            file.writeframes((rng.normal(0, 3000, 8000)).astype("<i2").tobytes())
    elif kind == "npz":
        np.savez_compressed(out, part=np.frombuffer(data, np.uint8))
    else:
        from PIL import Image
        size = (int(rng.integers(24, 120)), int(rng.integers(24, 120)))
        pixels = np.cumsum(rng.integers(-9, 10, (size[1], size[0], 3)), axis=1).astype(np.uint8)
        Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def made_of(rng, data):
    """(kind, bytes) for every kind that is made here."""
    yield "gzip", gzip.compress(data, mtime=0)
    yield "bzip", bz2.compress(data)
    yield "xz", lzma.compress(data)
    yield "pickle", pickle.dumps({"part": data.split(), "size": len(data)})
    yield "npy", archive_npy(rng)
    for kind in ("zip", "tar", "wav", "npz", "png", "jpeg", "gif", "bmp", "webp", "tiff"):
        yield kind, archive(rng, kind, data)


def archive_npy(rng):
    out = io.BytesIO()
    np.save(out, rng.normal(size=(int(rng.integers(8, 64)), 32)).astype(np.float32))
    return out.getvalue()


def features(data, config):
    """[beg_size + end_size]: bytes of the beginning and of the end without white space; 256 where there are none."""
    size = min(config["block_size"], len(data))
    head = np.frombuffer(data[:size].lstrip()[:config["beg_size"]], np.uint8)
    tail = np.frombuffer(data[len(data) - size:].rstrip()[-config["end_size"]:], np.uint8)
    row = np.full(config["beg_size"] + config["end_size"], config["padding_token"], np.int32)
    row[:len(head)] = head
    row[len(row) - len(tail):] = tail
    return row


def samples(labels):
    """kind -> contents, in an order that is drawn; kinds that the classifier does not know are left out."""
    rng, found = np.random.default_rng(SEED), {}
    listed = [(kind, path) for kind, path in installed() if kind in labels]
    for i in rng.permutation(len(listed)):
        kind, path = listed[i]
        if len(found.setdefault(kind, [])) < OF_A_KIND:
            found[kind].append(path.read_bytes())
    for text in found["python"][:OF_A_KIND]:
        for kind, data in made_of(rng, text):
            if kind in labels and len(found.setdefault(kind, [])) < OF_A_KIND:
                found[kind].append(data)
    return {kind: contents for kind, contents in sorted(found.items()) if len(contents) >= 8}


class Magika(task.Task):
    name, unit = "magika", "% right"

    def __init__(self):
        def make(folder):
            drawn = samples(labels)
            rows = {True: [], False: []}
            for kind, contents in drawn.items():
                for i, data in enumerate(contents):
                    rows[i % 4 == 0].append((features(data, config), labels.index(kind)))
            np.savez_compressed(folder / "calibration.npz", bytes=np.stack([row for row, _ in rows[True]]))
            np.savez_compressed(folder / "test.npz", bytes=np.stack([row for row, _ in rows[False]]),
                                labels=[label for _, label in rows[False]])

        self.model = task.fetched("magika_model.onnx")
        config = json.loads(task.fetched("magika_config.json").read_text())
        self.kinds = labels = config["target_labels_space"]
        folder = task.made("magika", ["magika.py"], make)
        self.calibration = folder / "calibration.npz"
        with np.load(folder / "test.npz") as test:
            self.bytes, self.labels = test["bytes"], test["labels"]
        self.feeds = {"bytes": self.bytes[:BATCH]}

    def judge(self, run):
        scores = np.concatenate([run({"bytes": self.bytes[i:i + BATCH]})[0] for i in range(0, len(self.bytes), BATCH)])
        return {"accuracy": 100 * float((scores.argmax(axis=-1) == self.labels).mean()), "samples": len(self.labels)}
