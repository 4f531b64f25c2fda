#!/usr/bin/env python3
"""Measures the solvers of lib/Partition and writes docs/Partition.md.

    partition.py --build DIR [--output FILE]

Needs the target partition-bench. Prices and bounds are the same on every machine; the seconds are of one core of this one.
"""
import argparse
import csv
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PIPER = ROOT / "test" / "Data" / "partition" / "piper"
MICRO_BATCHES = 480
TRAINING = [(10, 400), (10, 18), (10, 9), (96, 400), (96, 250), (96, 60), (96, 30)]  # layers, GB
GNMT = [(8, 2.5), (16, 1.2), (32, 0.8), (64, 0.3), (64, 0.8), (64, 2.5), (64, 8)]  # devices, GiB
HEAD = """# Partition: what the solvers reach

Written by `python test/Bench/partition.py --build build`. How they work: [Rationale/Partition.md](Rationale/Partition.md).
Every bound is proven; the gap is (price - bound) / price.

## Which strategy each op takes

Against exhaustive search: 500 random graphs of up to 12 ops with up to 6 strategies each, with and without memory limits, pins,
groups and forbidden pairs: all equal, infeasible ones included (`PartitionTests --gtest_filter=Solver.Equals*`). So are 300 graphs
of products, sums and pointwise ops on lines of 2 and 4 devices and grids of 2 x 2 (`--gtest_filter=MeshGraph.*`).

A step of training of a transformer (hidden 12288, 131,072 tokens) on 8 x 64 devices: forward, both gradients, optimizer; 9 or 12
strategies an op; memory limit per device.

| layers | ops | edges | limit, GB | peak, GB | CPU, s | step, s | bound, s | gap |
|---|---|---|---|---|---|---|---|---|
"""
STAGES = """
## Pipeline stages

Piper's public profiles (Tarnawski et al., NeurIPS 2021), 480 micro-batches, 25 GiB/s. Last column: what Piper's planner found,
in the units of the profile.

| input | devices | GiB | cuts | stages | CPU, s | slowest stage | bound | gap | Piper |
|---|---|---|---|---|---|---|---|---|---|
"""
CUTS = """
GNMT, whose graph has 17,914 cuts; Piper's planner did not finish within two minutes on 2 devices.

| input | devices | GiB | cuts | stages | CPU, s | slowest stage | bound | gap |
|---|---|---|---|---|---|---|---|---|
"""


def row(build, *arguments):
    done = subprocess.run([build / "bin" / "partition-bench", *map(str, arguments)], capture_output=True, text=True, check=True)
    print(done.stdout, end="", flush=True)
    return "| " + done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs" / "Partition.md")
    options = parser.parse_args()
    text = HEAD
    for layers, capacity in TRAINING:
        text += row(options.build, "training", layers, capacity) + " |\n"
    text += STAGES
    with open(PIPER / "expected.csv", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            cells = row(options.build, "piper", PIPER, line["input"], line["devices"], line["memory_gb"], MICRO_BATCHES)
            text += f"{cells} | {float(line['piper_s_per_sample']):g} |\n"
    text += CUTS
    for devices, memory in GNMT:
        text += row(options.build, "piper", PIPER, "gnmt", devices, memory, MICRO_BATCHES) + " |\n"
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
