"""Twelve models over 1, 2, 3, 4, 6 and 8 ranks, split by samples, by work, by stages and mixed: as threads and as MPI
processes. Each run is compared with that of one device: to the bit where no reduction is split.

    python test/Bench/partition_equality.py [--build build] [--only NAME,..] [--transports threads,mpi] [--write]

--write puts the table into docs/PartitionEquality.md.
"""
import argparse
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "Models"), str(ROOT / "test" / "Integration")]

import partitioned  # noqa: E402

HEAD = """# Partitioned runs are those of one device

Written by `python test/Bench/partition_equality.py --write`. Models run over ranks, as threads (`tenon run --ranks=N`) and as MPI
processes (`mpirun -n N tenon run`), against the same model on one device; each figure is the largest difference relative to the
largest value. Where no reduction is split all bits are the same; the others are held to 1e-5. Extents of the inputs are not
divisible by the ranks, some ranks have no sample at all.

"""


def summarise(rows, transports):
    """A line for each model and count of ranks."""
    text = "| model | ranks | plans | same bits | " + " | ".join(f"worst, {t}" for t in transports) + " |\n|---|---|---|---|"
    text += "---|" * len(transports) + "\n"
    for model, ranks in dict.fromkeys((row["model"], row["ranks"]) for row in rows):
        mine = [row for row in rows if (row["model"], row["ranks"]) == (model, ranks)]
        same = sum(all(row[f"{t} bits"] for t in transports) for row in mine)
        worst = " | ".join(f"{max(row[t] for row in mine):.1e}" for t in transports)
        text += f"| {model} | {ranks} | {len(mine)} | {same} | {worst} |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--only", default="")
    parser.add_argument("--transports", default="threads,mpi")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    transports, only = options.transports.split(","), [n for n in options.only.split(",") if n]
    rows, failures = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in partitioned.MODELS:
            if only and name not in only:
                continue
            case = partitioned.make_case(options.build / "bin" / "tenon", name, folder)
            for ranks, plans in partitioned.PLANS.items():
                for plan in plans:
                    try:
                        rows.append(case.check(ranks, plan, transports))
                        print(rows[-1], flush=True)
                    except AssertionError as error:
                        failures.append(str(error))
                        print("FAILED", error, flush=True)
    table = summarise(rows, transports) + f"\n{len(rows)} runs, {len(failures)} failures.\n"
    print(table)
    if options.write and not failures:
        (ROOT / "docs" / "PartitionEquality.md").write_text(HEAD + table, encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
