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
RESNET = [(2048, 80), (256, 80), (256, 0.45), (64, 80), (64, 0.15)]  # images, GB
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
262,144 tokens, 8 x 8 devices. ResNet-50: 2048, 256 and 64 images, 8 x 8 devices. CPU: seconds of one core that the solver takes.

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

JOINT = """
## Everything at once

Stages, the form of each stage (copies x tensor-parallel devices), microbatches, recomputation, schedule: one search
(`include/tenon/Partition/Joint.h`), evaluated by the event simulator. Against all plans of 39 random chains on alike devices and 20 on two kinds: all equal
(`JointTests --gtest_filter=Joint.equals*`). "listed" is the plan that others ran, as our model prices it (the best of all that
were measured, where there are several); "as free" the best plan with full recomputation and 1F1B or interleaved stages, as those
have; then everything free. The form is that of most stages.

| model | devices | batch | listed, s | as free, s | free, s | stages x (copies x tensor), variant, microbatches x schedule | bound, s | gap | combinations | CPU, s |
|---|---|---|---|---|---|---|---|---|---|---|
"""
MIXED = """
## Two kinds of devices

Random clusters of A100 and L4 nodes on one network, GPTs of random size (`test/Unit/Partition/MixedClusters.h` has the ranges).
"alone" is the best plan for devices of one kind; "stages" has each stage on one kind, where the search cuts the chain; in "copies"
each stage is on both kinds and samples are dealt out by speed. Bound: of the latter two.

| A100 | L4 | network, GB/s | layers x width | batch | alone, s | stages, s | copies, s | bound, s |
|---|---|---|---|---|---|---|---|---|
"""
MEASURED = ROOT / "test" / "Data" / "cost-model"


def measured_groups(name):
    """Plans that were measured, by model, devices and batch."""
    groups = {}
    with open(MEASURED / name, encoding="utf-8") as file:
        for line in csv.DictReader(file):
            gpus, tensor, pipeline = (int(line[key]) for key in ("gpus", "tp", "pp"))
            key = (line["hidden"], line["heads"], line["layers"], line.get("seq", "2048"), gpus, line["global_batch"])
            plans = groups.setdefault(key, [])
            plans += [gpus // tensor // pipeline, tensor, pipeline, line.get("micro_batch", 0)]
    return groups


def joint(build):
    text = JOINT
    for name, title, network in (("megatron_sc21_table1.csv", "SC'21", 200), ("megatron_a100_multi_node.csv", "vTrain", 100)):
        for (hidden, heads, layers, sequence, gpus, batch), plans in measured_groups(name).items():
            cells = row(build, "joint", hidden, heads, layers, sequence, gpus, batch, network, *plans)
            text += f"| {title}: {layers} x {hidden} | {gpus} | {batch} {cells} |\n"
    worse = count = rows = 0
    gaps = []
    for (hidden, heads, layers, sequence, gpus, batch), plans in measured_groups("megatron_a100_single_node.csv").items():
        cells = row(build, "joint", hidden, heads, layers, sequence, gpus, batch, 100, *plans).strip("| ").split(" | ")
        listed, as_free, free = map(float, cells[:3])
        worse += as_free > listed or free > listed
        gaps.append(float(cells[5].rstrip(" %")))
        count, rows = count + 1, rows + len(plans) // 4
    return text + (f"\nOn single nodes (vTrain, {rows} measured plans in {count} groups) the search is worse than the best listed plan "
                   f"in {worse} groups; its gap is at most {max(gaps):.2f} %, {sum(gaps) / count:.2f} % on average.\n")


def mixed(build, count=100, shown=12):
    lines = row(build, "mixed", count, shown).strip("| ").splitlines()
    count, better, copies, gain, least, gap = map(float, lines[-1].split())
    return MIXED + "".join(f"| {line.replace('inf', 'none fits')} |\n" for line in lines[:-1]) + (
        f"\nOf {count:.0f} clusters both kinds together beat the better one in {better:.0f} (by more than 0.1 %); they take {100 * gain:.1f} % less "
        f"time on average, {100 * least:.1f} % at least. Uneven copies are the best plan in {copies:.0f}. Mean gap {100 * gap:.1f} %.\n")


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
    for images, capacity in RESNET:
        text += f"| ResNet-50 {row(options.build, 'resnet', images, 8, 8, capacity)} |\n"
    text += STAGES
    with open(PIPER / "expected.csv", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            cells = row(options.build, "piper", PIPER, line["input"], line["devices"], line["memory_gb"], MICRO_BATCHES)
            text += f"{cells} | {float(line['piper_s_per_sample']):g} |\n"
    text += CUTS
    for devices, memory in GNMT:
        text += row(options.build, "piper", PIPER, "gnmt", devices, memory, MICRO_BATCHES) + " |\n"
    text += joint(options.build) + mixed(options.build)
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
