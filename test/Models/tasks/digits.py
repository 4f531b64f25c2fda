"""Handwritten digits: a small convolutional network and a tiny vision transformer, trained here (train_digits.py)."""
import subprocess
import sys

import numpy as np

from tasks import task

SOURCES = ["train_digits.py", "digit_networks.py", "tape.py", "onnx_builder.py"]


class Digits(task.Task):
    unit = "% right"

    def __init__(self, name):
        def train(folder):
            subprocess.run([sys.executable, task.HERE / "train_digits.py", "--digits", task.fetched("digits.csv.gz"),
                            "--out", folder, "--only", name], check=True, stdout=subprocess.DEVNULL)

        folder = task.made(name, SOURCES, train)
        self.name, self.model, self.calibration = name, folder / f"{name}.onnx", folder / "calibration.npz"
        with np.load(folder / "test.npz") as test:
            self.images, self.labels = test["image"], test["labels"]
        self.feeds = {"image": self.images[:32]}

    def judge(self, run):
        scores = np.concatenate([run({"image": self.images[i:i + 100]})[0] for i in range(0, len(self.images), 100)])
        return {"accuracy": 100 * float((scores.argmax(axis=-1) == self.labels).mean()), "samples": len(self.labels)}
