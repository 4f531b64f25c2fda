#!/usr/bin/env python3
"""Trains the small networks of digit_networks.py on the digits of scikit-learn, in numpy, and writes them as ONNX.

    train_digits.py --digits FILE.csv.gz --out DIR [--only NAME]

Leaves NAME.onnx, calibration.npz and test.npz (keys: the input, labels) in DIR. Seeded: the same
machine trains the same network.
"""
import argparse
import os
import pathlib
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the matrices are small; and one thread always sums in the same order
import numpy as np  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]
from tasks import digit_networks  # noqa: E402
from tasks.onnx_builder import OnnxBuilder  # noqa: E402
from tasks.tape import Tape, Var  # noqa: E402

SEED, TRAINED, CALIBRATION, BATCH, RATE, DECAY = 7, 1097, 256, 50, 3e-3, 1e-2


def split(path):
    """(images [N, 1, 8, 8] in 0..1, labels) for training and for the test, in a seeded order."""
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    table = table[np.random.default_rng(SEED).permutation(len(table))]
    images, labels = table[:, :-1].reshape(-1, 1, 8, 8) / np.float32(16), table[:, -1].astype(np.int64)
    return (images[:TRAINED], labels[:TRAINED]), (images[TRAINED:], labels[TRAINED:])


def distorted(rng, images):
    """Each image turned, sheared, scaled and moved a little, by bilinear interpolation, with some noise."""
    count, size = len(images), images.shape[-1]
    turn = np.eye(2) + rng.uniform(-0.18, 0.18, (count, 2, 2))
    centred = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij")) - (size - 1) / 2
    places = np.einsum("nij,jyx->inyx", turn, centred) + rng.uniform(-1, 1, (2, count, 1, 1)) + (size - 1) / 2
    places = np.clip(places, -1, size) + 1  # within the padding
    padded = np.pad(images[:, 0], ((0, 0), (1, 2), (1, 2)))
    (top, left), of = np.floor(places).astype(int), np.arange(count)[:, None, None]
    down, right = places[0] - top, places[1] - left
    upper = padded[of, top, left] * (1 - right) + padded[of, top, left + 1] * right
    lower = padded[of, top + 1, left] * (1 - right) + padded[of, top + 1, left + 1] * right
    moved = upper * (1 - down) + lower * down + rng.normal(0, 0.05, upper.shape)
    return moved[:, None].astype(np.float32)


class Adam:
    """With decoupled weight decay on matrices and a rate that falls as a cosine after a short warm-up."""

    def __init__(self, steps):
        self.steps, self.step, self.moments = steps, 0, {}

    def update(self, weights):
        self.step += 1
        rate = RATE * min(1, self.step / 40) * 0.5 * (1 + np.cos(np.pi * self.step / self.steps))
        for name, var in weights.items():
            m, v = self.moments.setdefault(name, (np.zeros_like(var.value), np.zeros_like(var.value)))
            m += 0.1 * (var.grad - m)
            v += 0.01 * (var.grad**2 - v)
            scaled = (m / (1 - 0.9**self.step)) / (np.sqrt(v / (1 - 0.99**self.step)) + 1e-8)
            var.value -= (rate * (scaled + DECAY * var.value * (var.value.ndim > 1))).astype(np.float32)


def train(network, epochs, images, labels):
    """The trained arrays by name."""
    rng, state = np.random.default_rng(SEED), {}
    adam = Adam(epochs * (len(images) // BATCH))
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for batch in order[:len(images) // BATCH * BATCH].reshape(-1, BATCH):
            tape = Tape(state, rng, training=True)
            scores = network(tape, Var(distorted(rng, images[batch])))
            e = np.exp(scores.value - scores.value.max(axis=-1, keepdims=True))
            grad = e / e.sum(axis=-1, keepdims=True)
            grad[np.arange(BATCH), labels[batch]] -= 1
            tape.backward(scores, grad / BATCH)
            adam.update(tape.weights)
    return state


def export(name, state):
    builder = OnnxBuilder(name, state)
    scores = digit_networks.NETWORKS[name](builder, builder.input("image", "N", 1, 8, 8))
    return builder.model(scores, "scores", "N", 10)


def main():
    import onnx
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--only", choices=digit_networks.NETWORKS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (images, labels), (test_images, test_labels) = split(args.digits)
    np.savez_compressed(args.out / "calibration.npz", image=images[:CALIBRATION], labels=labels[:CALIBRATION])
    np.savez_compressed(args.out / "test.npz", image=test_images, labels=test_labels)
    for name in [args.only] if args.only else digit_networks.NETWORKS:
        start, network = time.perf_counter(), digit_networks.NETWORKS[name]
        state = train(network, digit_networks.EPOCHS[name], images, labels)
        scores = network(Tape(state, None, training=False), Var(test_images)).value
        right = (scores.argmax(axis=-1) == test_labels).mean()
        seconds = time.perf_counter() - start
        print(f"{name}: {100 * right:.2f} % of {len(test_labels)} digits, trained in {seconds:.0f} s")
        onnx.save(export(name, state), args.out / f"{name}.onnx")


if __name__ == "__main__":
    main()
