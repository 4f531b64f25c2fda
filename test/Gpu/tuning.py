"""Times the plans of the folder `tune` in turns, one for each tactic, and writes a timing database for `tenon compile --timings`.

The same as `tenon tune` on a machine that has no compiler: what a kernel's choice is called, and under which key it is looked
up, is in the KERNELS section of each plan.
"""
import json
import pathlib
import statistics
import tempfile


def notes_of(path):
    """The KERNELS section of a plan; docs/Plan.md has the layout."""
    data = path.read_bytes()
    number = lambda at, size: int.from_bytes(data[at:at + size], "little")
    for row in range(128, 128 + 64 * number(32, 4), 64):
        if number(row, 4) == 6:
            offset, length = number(row + 8, 8), number(row + 16, 8)
            return json.loads(data[offset:offset + length])
    raise RuntimeError(f"{path} has no KERNELS section")


def device_of(notes):
    """Name and architecture of the description that tactics were chosen for."""
    lines = [line.partition("#")[0].partition("=") for line in notes["device"].splitlines()]
    fields = {name.strip(): value.strip() for name, _, value in lines}
    return fields["name"], fields["arch"]


def kernel_times(runtime, session, inputs):
    """Seconds of a launch of each kernel, by name, in one run."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        runtime.run(session, inputs, file.name)
        events = json.loads(pathlib.Path(file.name).read_text())["traceEvents"]
    times = {}
    for event in events:
        times.setdefault(event["name"], []).append(event["dur"] / 1e6)
    return {name: sum(each) / len(each) for name, each in times.items()}


class Trial:
    def __init__(self, runtime, path):
        self.runtime, self.path, self.notes, self.times = runtime, path, notes_of(path), {}
        self.device, arch = device_of(self.notes)
        self.session = runtime.open(path)
        found = runtime.c.tenon_session_arch(self.session).decode()
        if found != arch:
            raise RuntimeError(f"the bundle times tactics for {self.device} ({arch}), this GPU runs {found}: make it with --device")

    def run(self, inputs, keep):
        for name, seconds in kernel_times(self.runtime, self.session, inputs).items():
            if keep:
                self.times.setdefault(name, []).append(seconds)

    def lines(self):
        for kernel in self.notes["kernels"]:
            if not kernel["key"] or kernel["name"] not in self.times:
                continue
            times = sorted(self.times[kernel["name"]])
            median = max(statistics.median(times), 1e-9)
            low, high = (times[int(q * (len(times) - 1) + 0.5)] for q in (0.1, 0.9))
            yield {"device": self.device, "key": kernel["key"], "median_us": round(median * 1e6, 3),
                   "problem": f"{kernel['name'].partition('_')[2]}, {kernel['size']} results", "runs": len(times),
                   "size": kernel["size"], "spread": round((high - low) / median, 4), "tactic": kernel["tactic"]}


def time_case(runtime, folder, inputs, runs=20, warm_up=3):
    """Lines of the database for the plans of `folder`, and what could not be measured."""
    trials, skipped = [], []
    for path in sorted(folder.glob("*.tenon")):
        try:
            trials.append(Trial(runtime, path))
        except RuntimeError as error:
            if "TN8004" not in str(error):
                raise
            skipped.append(f"{folder.name}, {path.stem}: {error}")
    for i in range(-warm_up, runs):
        for trial in list(trials):
            try:
                trial.run(inputs, i >= 0)
            except RuntimeError as error:  # a library may refuse a problem, ours do not
                if trial.path.stem.startswith("tile="):
                    raise
                skipped.append(f"{folder.name}, {trial.path.stem}: {error}")
                trials.remove(trial)
    lines = [line for trial in trials for line in trial.lines()]
    for trial in trials:
        runtime.c.tenon_session_destroy(trial.session)
    return lines, skipped


def write(lines, path):
    path.write_text("".join(sorted(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)))
