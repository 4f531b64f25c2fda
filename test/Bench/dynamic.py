#!/usr/bin/env python3
"""Measures the dynamic scheduler and writes docs/DynamicScheduler.md.

    dynamic.py --build DIR --model MODEL.onnx [--equal MODEL.onnx...] [--samples N] [--output FILE] [--without-times]

Needs the targets tenon and dynamic-bench. The simulation is the same on every machine. Measurements are taken while nobody
else uses the processor: each is repeated until others took less than 3 % of it, and given up after --patience seconds.
"""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUIET = 0.03
HEAD = """# The dynamic scheduler: what it reaches

Written by `python test/Bench/dynamic.py --build build {arguments}`. How it works:
[Rationale/DynamicScheduler.md](Rationale/DynamicScheduler.md). The tests hold it to these figures
(`DynamicTests --gtest_filter=DynamicSimulation.*`).

## A batch, simulated

2,048 samples; a worker of speed 1 does them in a second. Every piece costs 0.2 ms beside its samples. Noise: another speed every
5 ms, lognormal. Medians of 200 seeds. Even: each worker gets as many samples. The bound knows the speeds at all times, past and
future, divides as finely as it likes and pays nothing for a piece. Repeated: samples given again while somebody held them. In
the last twelve rows the accident happens at a random time of the fifth batch.

| workers | batch | even, s | dynamic, s | less than even, % | over the bound, % | worst seed, % | pieces | repeated |
|---|---|---|---|---|---|---|---|---|
"""
SUMMARY = """
Two equal workers take {equal:.1f} % off the time of one (wanted: 48); workers of speeds 1:2:4 with noise take {uneven:.1f} % less
than an even split (wanted: 50) and {over:.1f} % more than the bound (wanted: at most 5).
"""
STEPS = """
## A step of training, simulated

16 microbatches of 4 layers: forward, gradient of activations, gradient of weights, and an optimizer: 193 tasks that cannot be cut.
A worker of speed 1 does the step in a second; a task costs 0.02 ms beside its work, and its result takes as long as the second
column says to another worker. Medians of 200 seeds; the bound pays for neither and cuts tasks. The accident happens in the fifth
step; results that a dead worker alone had are computed again.

| workers | transfer, ms | step | dynamic, s | over the bound, % | worst seed, % | repeated tasks |
|---|---|---|---|---|---|---|
"""
WAITING = """
## Devices, emulated

The executor itself, over workers that wait instead of computing, as a host waits for its devices: 2,048 samples, a worker of speed 1
takes a second, speeds as in the simulation. Seconds by the clock; medians of five batches, and single ones below; the bound knows
all speeds.

| workers | even, s | dynamic, s | less than even, % | over the bound, % |
|---|---|---|---|---|
"""
EQUAL = """
## Processes: bits

A batch of 50 over three processes, in pieces of many sizes (shares of 0.1, 0.25 and 1, granules of 1, 2, 3 and 7 samples), against
one session with two threads.

| model | samples | workers | pieces | results |
|---|---|---|---|---|
"""
SPEED = """
## Processes: two equal workers

{name}, {cores} cores ({cpu}), {date}. One thread a worker; medians of five runs, taken in turns. Others: part of the processor
that other programs took meanwhile.

| samples | one worker, ms | two, even, ms | two, dynamic, ms | less than one, % | load | others, % |
|---|---|---|---|---|---|---|
"""
STRAGGLER = """
## Processes: a straggler

The same model and machine; two workers, one batch after the other. The second worker is slowed down by SIGSTOP and SIGCONT, a
tenth of each 20 ms running; stopped; killed. Bound: what both could have done, at the speed of the undisturbed batches and known
in advance. Others took {others:.1f} % of the processor meanwhile.

| batch | ms | bound, ms | over the bound, % | samples of the second worker | repeated |
|---|---|---|---|---|---|
"""


def bench(build, *arguments):
    done = subprocess.run([build / "bin" / "dynamic-bench", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"dynamic-bench {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if line]


def rows(lines, *first):
    return "".join("| " + " | ".join([*first, line]) + " |\n" for line in lines)


def summary(lines):
    """Of the fifth batches."""
    cells = {tuple(line.split(" | ")[:2]): [float(cell) for cell in line.split(" | ")[2:]] for line in lines}
    uneven = cells["1:2:4, noise 20 %", "5"]
    equal = 100 * (1 - cells["two equal", "5"][1] / cells["one worker", "5"][1])
    return SUMMARY.format(equal=equal, uneven=uneven[2], over=uneven[3])


def processor():
    """Seconds of all cores: busy, and in all."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / 100, sum(fields) / 100


def wait_for_quiet(deadline):
    """Until nobody uses the processor for a second."""
    while True:
        busy, total = processor()
        time.sleep(1)
        busy_after, total_after = processor()
        if busy_after - busy < QUIET * (total_after - total):
            return
        if time.monotonic() > deadline:
            sys.exit("the machine was never quiet: nothing is written")


def undisturbed(patience, measure):
    """Measures until others took less than QUIET of the processor meanwhile. The result, and what they took."""
    deadline = time.monotonic() + patience
    while True:
        wait_for_quiet(deadline)
        busy, total = processor()
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = measure()
        busy_after, total_after = processor()
        own_after = resource.getrusage(resource.RUSAGE_CHILDREN)
        mine = own_after.ru_utime + own_after.ru_stime - own.ru_utime - own.ru_stime
        others = max(0.0, busy_after - busy - mine) / (total_after - total)
        if others < QUIET:
            return result, others
        print(f"others took {100 * others:.0f} % of the processor; again", file=sys.stderr)


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def compiled(build, model, folder):
    plan = folder / (model.stem + ".tenon")
    subprocess.run([build / "bin" / "tenon", "compile", model, "-o", plan], check=True, capture_output=True)
    return plan


def measured(options, folder):
    plan = compiled(options.build, options.model, folder)
    text = SPEED.format(name=options.model.stem, cores=len(os.sched_getaffinity(0)), cpu=cpu_name(),
                        date=time.strftime("%Y-%m-%d"))
    for samples in (options.samples // 4, options.samples):
        lines, others = undisturbed(options.patience, lambda: bench(options.build, "speed-up", plan, samples))
        text += rows([f"{line} | {100 * others:.1f}" for line in lines])
    lines, others = undisturbed(options.patience, lambda: bench(options.build, "straggler", plan, options.samples))
    return text + STRAGGLER.format(others=100 * others) + rows(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="whose batch is a symbol")
    parser.add_argument("--equal", type=pathlib.Path, nargs="*", default=[], help="further models to compare bits of")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--patience", type=float, default=600)
    parser.add_argument("--without-times", action="store_true", help="of processes, which want a quiet machine")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs" / "DynamicScheduler.md")
    options = parser.parse_args()
    others = "".join(f" {model.name}" for model in options.equal)
    arguments = f"--model {options.model.name}" + (" --equal" + others if others else "")
    arguments += " --without-times" if options.without_times else ""
    batches = bench(options.build, "simulate")
    text = HEAD.format(arguments=arguments) + rows(batches).replace(" inf ", " never ") + summary(batches)
    text += STEPS + rows(bench(options.build, "simulate-steps"))
    text += WAITING + rows(bench(options.build, "waiting"))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text += EQUAL
        for model in [options.model, *options.equal]:
            text += rows(bench(options.build, "equal", compiled(options.build, model, folder), 50), model.stem)
        if not options.without_times:
            text += measured(options, folder)
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
