#!/usr/bin/env python3
"""The demo: a real text detector, from .onnx to one .tenon file, run on a page of text, and compared.

    detect_text.py --build DIR --model ch_PP-OCRv4_det_infer.onnx --out DIR

Leaves page.png, detector.tenon, the probability map and found.png in the output folder.
"""
import argparse
import pathlib
import subprocess
import sys
import time

import numpy as np
from PIL import ImageDraw

import boxes
import page

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Bench"))
import bench  # noqa: E402

INPUT = "x"


def run(*command):
    """Shows a command and runs it; returns its seconds."""
    command = [str(part) for part in command]
    print("$ " + " ".join(pathlib.Path(p).name if i == 0 else p for i, p in enumerate(command)), flush=True)
    started = time.perf_counter()
    status = subprocess.run(command).returncode
    if status:
        raise SystemExit(f"error: the command ended with exit code {status}")
    return time.perf_counter() - started


def preprocess(image):
    """[1, 3, H, W], blue first, from -1 to 1: as the network was trained."""
    pixels = np.asarray(image, np.float32)[:, :, ::-1] / 255
    return np.ascontiguousarray(((pixels - 0.5) / 0.5).transpose(2, 0, 1)[None])


def draw(image, found, path):
    image = image.copy()
    pen = ImageDraw.Draw(image)
    for corners, score in found:
        outline = [tuple(corner) for corner in corners]
        pen.line(outline + outline[:1], fill=(0, 140, 90) if score > 0.7 else (220, 130, 0), width=2)
    image.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--build", "--model", "--out"):
        parser.add_argument(name, required=True, type=pathlib.Path)
    args = parser.parse_args()
    tenon, plan, out = args.build / "bin" / "tenon", args.out / "detector.tenon", args.out
    out.mkdir(parents=True, exist_ok=True)

    image, truth = page.render()
    image.save(out / "page.png")
    x = preprocess(image)
    np.save(out / "x.npy", x)

    print(f"\n1. Compile: {args.model.stat().st_size / 1e6:.1f} MB of ONNX into one file")
    seconds = run(tenon, "compile", args.model, "-o", plan)
    print(f"   {seconds:.1f} s, {plan.stat().st_size / 1e6:.1f} MB")

    print(f"\n2. Run it on a page of {page.SIZE} x {page.SIZE} pixels")
    run(tenon, "run", plan, "--input", f"{INPUT}={out / 'x.npy'}", f"--output-dir={out / 'outputs'}")
    (result,) = sorted((out / "outputs").glob("*.npy"))
    found = boxes.find(np.load(result)[0, 0])
    seen = [text for text, line in truth if any(boxes.covered(corners, line) for corners, _ in found)]
    draw(image, found, out / "found.png")
    print(f"   {len(found)} boxes, which cover {len(seen)} of the {len(truth)} lines on the page: {out / 'found.png'}")
    for text in sorted({text for text, _ in truth} - set(seen)):
        print(f"   missed: {text}")

    print("\n3. Compare with ONNX Runtime")
    run(tenon, "verify", args.model, "--against=onnxruntime", "--input", f"{INPUT}={out / 'x.npy'}")

    print("\n4. Time it against ONNX Runtime, in turns")
    bench.report(bench.compare(args.build, args.model, plan, {INPUT: x}, threads=(1, 2), rounds=5, seconds=0.5))
    if len(seen) < len(truth) - 2:
        raise SystemExit("error: the detector missed more than two lines of the page")
    print("\ndone")


if __name__ == "__main__":
    main()
