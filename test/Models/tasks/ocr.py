"""Reading lines of text: ch_PP-OCRv4_rec_infer of RapidOCR, on words and numbers drawn with the DejaVu fonts."""
import ast
import functools
import pathlib
import re
import sysconfig

import numpy as np

from tasks import task

FONTS = [pathlib.Path("/usr/share/fonts/truetype/dejavu") / f"DejaVu{face}.ttf"
         for face in ("Sans", "Sans-Bold", "SansMono", "SansMono-Bold", "Serif", "Serif-Bold")]
LINES, CALIBRATION, HEIGHT, BATCH, STEP, SEED = 320, 64, 48, 8, 64, 11
BOOKS = ["argparse.py", "decimal.py", "difflib.py", "heapq.py", "random.py", "statistics.py", "textwrap.py",
         "zipfile.py"]


@functools.cache
def vocabulary():
    """Words of documentation that is on every machine: the docstrings of a few modules of Python."""
    root, words = pathlib.Path(sysconfig.get_paths()["stdlib"]), set()
    for book in BOOKS:
        for node in ast.walk(ast.parse((root / book).read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
                words |= set(re.findall(r"\b[a-z]{3,10}\b", ast.get_docstring(node) or ""))
    return sorted(words)


def draw_text(rng):
    """A number, a date, an amount, a few words, or a sentence."""
    words = [str(w) for w in rng.choice(vocabulary(), rng.integers(2, 4))]
    a, b, c = (int(n) for n in rng.integers(1, 10000, 3))
    return [f"{a}{b}", f"{1900 + a % 130}-{1 + b % 12:02}-{1 + c % 28:02}", f"{a}.{b % 100:02} USD", " ".join(words),
            " ".join(words).upper(), f"{words[0].capitalize()} {' '.join(words[1:])}.", f"{words[0]}@{words[1]}.com",
            f"{words[0].capitalize()}: {a}"][rng.integers(0, 8)]


def draw_line(rng, text):
    """[HEIGHT, width] in 0..255: dark on light or the reverse, a little blurred, with noise."""
    from PIL import Image, ImageDraw, ImageFilter, ImageFont
    font = ImageFont.truetype(str(FONTS[rng.integers(0, len(FONTS))]), int(rng.integers(20, 31)))
    left, top, right, bottom = font.getbbox(text)
    width = right - left + int(rng.integers(8, 24))
    ground, ink = (int(v) for v in (rng.integers(190, 256), rng.integers(0, 90)))
    if rng.random() < 0.25:
        ground, ink = ink, ground
    image = Image.new("L", (width, HEIGHT), ground)
    y = (HEIGHT - (bottom - top)) / 2 - top + rng.uniform(-2, 2)
    ImageDraw.Draw(image).text((4 - left, y), text, font=font, fill=ink)
    image = image.rotate(rng.uniform(-1, 1), Image.Resampling.BILINEAR, fillcolor=ground)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1))), np.float32)
    return np.clip(pixels + rng.normal(0, rng.uniform(2, 14), pixels.shape), 0, 255)


def batches(lines):
    """(indices, array [N, 3, HEIGHT, width] in -1..1): lines of about the same width together, filled up."""
    widths = [-(-line.shape[1] // STEP) * STEP for line in lines]
    for width in sorted(set(widths)):
        alike = [i for i, w in enumerate(widths) if w == width]
        for start in range(0, len(alike), BATCH):
            chosen = alike[start:start + BATCH]
            padded = [np.pad(lines[i], ((0, 0), (0, width - lines[i].shape[1])), mode="edge") for i in chosen]
            grey = (np.stack(padded) / 127.5 - 1).astype(np.float32)
            yield chosen, np.ascontiguousarray(np.repeat(grey[:, None], 3, axis=1))


def distance(a, b):
    """Letters to change, insert or leave out between two texts (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (letter != other))
    return row[-1]


class Ocr(task.Task):
    name, unit, higher_is_better = "ocr", "% of letters wrong", False

    def __init__(self):
        def make(folder):
            for i, (_, images) in enumerate(batches([draw_line(rng, text) for text in texts[LINES:]])):
                np.savez(folder / f"{i:03}.npz", x=images)

        import onnx
        self.model = task.fetched("ch_PP-OCRv4_rec_infer.onnx")
        (letters,) = [p.value for p in onnx.load(self.model).metadata_props if p.key == "character"]
        self.letters = ["", *letters.split("\n"), " "]  # the first class says: nothing new
        rng = np.random.default_rng(SEED)
        texts = list(dict.fromkeys(draw_text(rng) for _ in range(2 * (LINES + CALIBRATION))))[:LINES + CALIBRATION]
        self.texts = texts[:LINES]
        self.batches = list(batches([draw_line(rng, text) for text in self.texts]))
        self.calibration = task.made("ocr", ["ocr.py"], make)
        self.feeds = {"x": self.batches[len(self.batches) // 2][1]}

    def read(self, scores):
        """The text of one line: [steps, classes]. A class that stays counts once."""
        best = scores.argmax(axis=-1)
        kept = best[np.append(True, best[1:] != best[:-1])]
        return "".join(self.letters[i] for i in kept).strip()

    def judge(self, run):
        wrong = 0
        for chosen, images in self.batches:
            for i, scores in zip(chosen, run({"x": images})[0]):
                wrong += distance(self.read(scores), self.texts[i])
        return {"cer": 100 * wrong / sum(map(len, self.texts)), "samples": len(self.texts)}
