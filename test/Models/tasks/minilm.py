"""Sentence embeddings: the first paragraph of a docstring finds the rest of it among all others, and the reverse.
The texts are those of Python's standard library, so they are on every machine."""
import ast
import pathlib
import subprocess
import sys
import sysconfig

import numpy as np

from tasks import task
from tasks.wordpiece import Tokenizer

PAIRS, CALIBRATION, BATCH, SEED, LETTERS, OF_A_FILE = 300, 100, 16, 5, 240, 2
LEFT_OUT = {"test", "idlelib", "lib2to3", "site-packages", "dist-packages", "turtledemo"}


def paragraphs(document):
    """The prose of a docstring: neither headings nor examples."""
    texts = (" ".join(part.split()) for part in document.split("\n\n"))
    return [t for t in texts if len(t) > 40 and not any(sign in t for sign in (">>>", "---", "::", "==="))]


def pairs_of(path):
    """(first paragraph, the rest) of the docstrings of one file that say most."""
    tree, found = ast.parse(path.read_text(encoding="utf-8", errors="replace")), []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
            first, *others = paragraphs(ast.get_docstring(node) or "") or [""]
            rest = " ".join(others)[:LETTERS]
            if len(rest) > LETTERS // 2:
                found.append((first[:LETTERS], rest))
    return sorted(found, key=lambda pair: -len(pair[1]))[:OF_A_FILE]


def pairs():
    """Those of all files, in an order that is drawn, no text twice."""
    root, first, rest = pathlib.Path(sysconfig.get_paths()["stdlib"]), {}, {}
    for path in sorted(root.rglob("*.py")):
        if not LEFT_OUT & set(path.relative_to(root).parts):
            for a, b in pairs_of(path):
                if a not in first and b not in rest:
                    first[a], rest[b] = b, a
    listed = list(first.items())
    return [listed[i] for i in np.random.default_rng(SEED).permutation(len(listed))]


def batches(tokenizer, texts):
    """(indices, feeds): texts of about the same length together, the shorter ones filled up and masked."""
    tokens = [tokenizer(text) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
    for start in range(0, len(order), BATCH):
        chosen = order[start:start + BATCH]
        ids = np.zeros((len(chosen), max(len(tokens[i]) for i in chosen)), np.int64)
        mask = np.zeros_like(ids)
        for row, i in enumerate(chosen):
            ids[row, :len(tokens[i])], mask[row, :len(tokens[i])] = tokens[i], 1
        yield chosen, {"input_ids": ids, "attention_mask": mask}


def reciprocal_ranks(scores):
    """[n, n]: for each row one over the place of the diagonal's entry, the highest score being first."""
    right = np.diagonal(scores)[:, None]
    return 1 / (scores >= right).sum(axis=1)


class MiniLm(task.Task):
    name, unit = "minilm", "points of MRR"

    def __init__(self):
        def make(folder):
            subprocess.run([sys.executable, task.HERE.parent / "make_minilm.py", "--weights",
                            task.fetched("minilm.safetensors"), "-o", folder / "minilm.onnx"], check=True)
            (folder / "calibration").mkdir()
            texts = [text for pair in drawn[PAIRS:PAIRS + CALIBRATION] for text in pair]
            for i, (_, feeds) in enumerate(batches(self.tokenizer, texts)):
                np.savez(folder / "calibration" / f"{i:03}.npz", **feeds)
            np.save(folder / "f32.npy", self.embed(task.onnx_runtime(folder / "minilm.onnx")))

        self.tokenizer, drawn = Tokenizer(task.fetched("minilm_vocab.txt")), pairs()
        self.texts = [text for side in zip(*drawn[:PAIRS]) for text in side]
        self.batches = list(batches(self.tokenizer, self.texts))
        folder = task.made("minilm", ["minilm.py", "wordpiece.py", "../make_minilm.py"], make)
        self.model, self.calibration = folder / "minilm.onnx", folder / "calibration"
        self.of_f32 = np.load(folder / "f32.npy")
        self.feeds = self.batches[len(self.batches) // 2][1]

    def embed(self, run):
        embeddings = np.zeros((len(self.texts), 384), np.float32)
        for chosen, feeds in self.batches:
            embeddings[chosen] = run(feeds)[0]
        return embeddings

    def judge(self, run):
        embeddings = self.embed(run)
        scores = embeddings[:PAIRS] @ embeddings[PAIRS:].T
        ranks = np.concatenate([reciprocal_ranks(scores), reciprocal_ranks(scores.T)])
        drift = 1 - (embeddings * self.of_f32).sum(axis=1)
        return {"mrr": 100 * float(ranks.mean()), "first": 100 * float((ranks == 1).mean()),
                "cosine_drift_mean": float(drift.mean()), "cosine_drift_max": float(drift.max()), "samples": len(ranks)}
