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
GPT = (12288, 131072, 8, 64, 0)  # hidden, tokens, inner and outer axis of the mesh, experts
BERT = (1024, 262144, 8, 8, 0)
MOE = (2048, 262144, 8, 8, 64)
TRAINING = [("GPT", 10, GPT, 400), ("GPT", 10, GPT, 18), ("GPT", 10, GPT, 9),
            ("GPT", 96, GPT, 400), ("GPT", 96, GPT, 250), ("GPT", 96, GPT, 60), ("GPT", 96, GPT, 30),
            ("BERT", 24, BERT, 16), ("BERT", 24, BERT, 9), ("BERT", 24, BERT, 8.3),
            ("MoE", 12, MOE, 20), ("MoE", 12, MOE, 13), ("MoE", 12, MOE, 12.6)]  # layers, GB of a device
GNMT = [(8, 2.5), (16, 1.2), (32, 0.8), (64, 0.3), (64, 0.8), (64, 2.5), (64, 8)]  # devices, GiB
HEAD = """# Partition: what the solvers reach

Written by `python test/Bench/partition.py --build build`. How they work: [Rationale/Partition.md](Rationale/Partition.md).
Every bound is proven; the gap is (price - bound) / price.

## Which strategy each op takes

Against exhaustive search: 500 random graphs of up to 12 ops with up to 6 strategies each, with and without memory limits, pins,
groups and forbidden pairs: all equal, infeasible ones included (`PartitionTests --gtest_filter=Solver.Equals*`). So are 300 graphs
of products, sums and pointwise ops on lines of 2 and 4 devices and grids of 2 x 2 (`--gtest_filter=MeshGraph.*`).

A step of training of a transformer: forward, both gradients, optimizer; 9 or 12 strategies an op; memory limit per device. GPT:
hidden 12288, 131,072 tokens, 8 x 64 devices. BERT: hidden 1024, 262,144 tokens, 8 x 8 devices. MoE: hidden 2048, 64 experts,
262,144 tokens, 8 x 8 devices. CPU: seconds of one core that the solver takes.

| graph | layers | ops | edges | limit, GB | peak, GB | CPU, s | step, s | bound, s | gap |
|---|---|---|---|---|---|---|---|---|---|
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
    for name, layers, shape, capacity in TRAINING:
        text += f"| {name} {row(options.build, 'training', layers, *shape, capacity)} |\n"
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
