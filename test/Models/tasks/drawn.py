"""Architectures of make_models.py with random weights: they solve nothing, but times and sizes are real."""
import hashlib
import os
import subprocess
import sys

import numpy as np

from tasks import task

SAMPLES, SEED = 8, 9


def generated(name):
    """The model, made once for each version of make_models.py (where the integration tests keep it too)."""
    script = task.HERE.parent / "make_models.py"
    folder = task.CACHE / f"generated-{hashlib.sha256(script.read_bytes()).hexdigest()[:12]}"
    if not (folder / f"{name}.onnx").exists():
        partial = folder / f"partial-{os.getpid()}"
        command = [sys.executable, script, "--out", partial, "--only", name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (partial / f"{name}.onnx").replace(folder / f"{name}.onnx")
        (partial / "generated.json").unlink(missing_ok=True)
        partial.rmdir()
    return folder / f"{name}.onnx"


class Drawn(task.Task):
    unit = "% of largest outputs in their place"

    def __init__(self, name):
        def make(folder):
            import drawn_inputs
            import onnx
            proto = onnx.load(self.model, load_external_data=False)
            fed = drawn_inputs.draw_inputs(proto, {"N": 2 * SAMPLES, "B": 2 * SAMPLES, "S": 64}, SEED)
            np.savez(folder / "calibration.npz", **{key: array[:SAMPLES] for key, array in fed.items()})
            np.savez(folder / "test.npz", **{key: array[SAMPLES:] for key, array in fed.items()})
            np.save(folder / "f32.npy", self.places(task.onnx_runtime(self.model), folder / "test.npz"))

        self.name, self.model = name, generated(name)
        folder = task.made(f"drawn-{name}", ["drawn.py"], make)
        self.calibration, self.test = folder / "calibration.npz", folder / "test.npz"
        self.of_f32 = np.load(folder / "f32.npy")
        with np.load(self.test) as arrays:
            self.feeds = {key: arrays[key][:1] for key in arrays.files}

    def places(self, run, path):
        with np.load(path) as arrays:
            fed = {key: arrays[key] for key in arrays.files}
        rows = [run({key: array[i:i + 1] for key, array in fed.items()})[0] for i in range(SAMPLES)]
        return np.stack([row.reshape(-1, row.shape[-1]).argmax(axis=-1) for row in rows])

    def judge(self, run):
        places = self.places(run, self.test)
        return {"agreement": 100 * float((places == self.of_f32).mean()), "samples": places.size}
