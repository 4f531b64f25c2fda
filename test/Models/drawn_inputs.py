"""Seeded inputs for any model, drawn as `tenon verify` draws them (tools/common/Page.h says why): images are pages of text."""
import numpy as np

import make_models

LIGHT, DARK, NOISE = 0.9, -0.9, 0.025


def draw_glyph(rng, area):
    """Two to four bars, upright or level, each at least half as long as the glyph."""
    for _ in range(rng.integers(2, 5)):
        thickness = int(rng.integers(1, 2 + area.shape[0] // 8))
        bars = area if rng.integers(2) else area.T
        longest, across = bars.shape
        length = int(rng.integers((longest + 1) // 2, longest + 1))
        along, beside = rng.integers(0, longest - length + 1), rng.integers(0, max(across - thickness, 0) + 1)
        bars[along:along + length, beside:beside + thickness] = DARK


def draw_line(rng, area):
    """Words of two to eight glyphs, as many as fit."""
    cell, x = max(2, area.shape[0] * 5 // 8), int(rng.integers(0, 5))
    while x + cell <= area.shape[1]:
        for _ in range(rng.integers(2, 9)):
            if x + cell <= area.shape[1]:
                draw_glyph(rng, area[:, x:x + cell - 1])
                x += cell
        x += cell // 2 + 1


def draw_page(rng, height, width):
    """[height, width]: dark strokes on a light ground."""
    page = np.full((height, width), LIGHT)
    low, high = (min(max(height - 4, 1), size) for size in (12, 24))
    y = int(rng.integers(0, min(4, (height - low) // 2) + 1))
    while y + low <= height:
        size = min(int(rng.integers(low, high + 1)), height - y)
        draw_line(rng, page[y:y + size])
        y += size + size // 2 + 2
    return page


def draw_images(rng, shape):
    """[N, C, H, W] for C = 1 or 3, else [N, H, W, C]."""
    colours = 1 if shape[1] in (1, 3) else 3
    height, width = (shape[2], shape[3]) if colours == 1 else (shape[1], shape[2])
    pages = np.stack([draw_page(rng, height, width) for _ in range(shape[0])])
    return (np.expand_dims(pages, colours) + NOISE * rng.uniform(-1, 1, shape)).astype(np.float32)


def draw_inputs(model, sizes, seed=0):
    """name -> array for each input of an onnx.ModelProto; `sizes` maps symbolic dimensions to extents."""
    feeds, rng = make_models.example_inputs(model, sizes, seed), np.random.default_rng(seed)
    for name, array in feeds.items():
        if array.dtype == np.float32 and array.ndim == 4 and (array.shape[1] in (1, 3) or array.shape[3] in (1, 3)):
            feeds[name] = draw_images(rng, array.shape)
    return feeds
