"""The page docs/Compression.md, from the rows that compression.py measured."""
import platform

UNITS = {"digits_cnn": "% right", "digits_vit": "% right", "minilm": "points of MRR", "ocr": "% of letters wrong",
         "magika": "% right", "resnet50": "% of largest outputs in their place"}
TITLES = {
    "digits_cnn": "Digits, a convolutional network: scikit-learn's digits, trained in numpy; accuracy on 700 digits",
    "digits_vit": "Digits, a vision transformer of two blocks; accuracy on the same digits",
    "minilm": "MiniLM (all-MiniLM-L6-v2): the mean reciprocal rank of 600 searches in Python's documentation",
    "ocr": "Text recognition (ch_PP-OCRv4_rec_infer): letters wrong of 320 lines drawn with the DejaVu fonts",
    "resnet50": "ResNet-50 with random weights, an image: sizes and times alone",
    "magika": "Kinds of files (magika): accuracy on installed and made files",
}
# (method, task) -> the loss of score that issue 7 allows.
LOSSES = {"digits_cnn": 0.3, "digits_vit": 0.3, "ocr": 0.2, "minilm": 0.5}
HEAD = """# Compressed models on real tasks

Written by `test/Bench/compression.py --build build --write`; do not edit. Each row is one command, `tenon compress
MODEL.onnx -o SMALL.onnx` with the options of the method (`test/Bench/compression_methods.py`), then `tenon compile
SMALL.onnx`. The loss is in points of the task's score, against the model in f32. ONNX Runtime runs the same file:
*differs* is the largest difference of an output from Tenon's, relative to the largest output, and the part of the
samples that differ by more than 1e-4, first with ONNX Runtime's optimiser off, then as it comes. *weights* is how much
smaller the quantized weights are, with their scales. Times are medians, in turns within a row, on one thread of
{machine}: only *f32 / ms* compares what ran under the same load. Rows of *peer* are ONNX Runtime's own tools.
"""
COLUMNS = ["method", "score", "loss", "by ORT", "differs", "ONNX MB", "weights", "plan MB", "ms", "f32 / ms", "ORT ms"]


def first(score):
    return next(iter(score.values())) if score else None


def show(value, form):
    return "" if value is None else format(value, form)


def cells(row):
    ms = row.get("ms", {})
    ours, before = ms.get("tenon"), ms.get("f32", ms.get("tenon") if row["method"] == "f32" else None)
    if "score" not in row and "ort_score" not in row:
        return [row["method"], f"error: {row.get('error', 'no result')}"] + [""] * (len(COLUMNS) - 2)
    ratio = row.get("quantized_ratio")
    apart = [row[key] for key in ("difference", "optimised_difference") if key in row]
    differs = ", ".join(f"{worst:.0e} ({100 * part:.0f} %)" for worst, part in apart)
    return [row["method"], show(first(row.get("score")), ".2f") or f"error: {row.get('error')}",
            show(row.get("loss"), ".2f"), show(first(row.get("ort_score")), ".2f"), differs,
            show(row.get("onnx_mb"), ".2f"), f"{ratio:.2f}x" if ratio else "", show(row.get("plan_mb"), ".2f"),
            show(ours, ".2f"), f"{before / ours:.2f}x" if ours and before else "", show(ms.get("ort"), ".2f")]


def line(row):
    return f"{row['task']}: " + "  ".join(f"{c}={v}" for c, v in zip(COLUMNS, cells(row)) if v)


# A better method and the plain one that its errors are set against, and how much of them it may leave.
RIVALS = {"awq": ("nearest", 0.5), "gptq": ("nearest", 0.5), "wanda": ("magnitude", 0.5),
          "sparsegpt": ("magnitude", 0.5)}


def errors(row):
    """node -> the error of its output, as tenon compress found it on the calibration data."""
    layers = (row or {}).get("compress", {}).get("layers", [])
    return {layer["node"]: layer["error"] for layer in layers if "error" in layer}


def against_plain(by, task, method):
    """How the errors of layers compare with those of the plain method."""
    what, _, way = method.partition(" ")
    if way not in RIVALS:
        return
    plain, most = RIVALS[way]
    ours, theirs = errors(by.get((task, method))), errors(by.get((task, f"{what} {plain}")))
    ratios = sorted(ours[node] / theirs[node] for node in ours if theirs.get(node))
    if ratios:
        middle = ratios[len(ratios) // 2]
        yield (f"{task}, {method}: errors of layers at most {most} of {plain}'s, {ratios[0]:.2f} to {ratios[-1]:.2f}, "
               f"{middle:.2f} in the middle", ratios[-1] <= most)


def verdicts(rows):
    """(what issue 7 asks, whether it is met) for the rows there are."""
    by = {(r["task"], r["method"]): r for r in rows}
    for (task, method), row in by.items():
        f32, ms = by.get((task, "f32"), {}), row.get("ms", {})
        if method == "f32" or method.startswith("peer"):
            continue
        if "score" not in row:
            yield f"{task}, {method}: a result ({row.get('error', 'none')})", False
            continue
        worst, part = row["difference"]
        beyond = f"{worst:.0e}, {100 * part:.1f} % of the samples beyond"
        if "peer_difference" in row:
            beyond += f"; its optimiser alone makes {row['peer_difference'][0]:.0e}"
        yield f"{task}, {method}: the same in ONNX Runtime (1e-4), {beyond}", worst <= 1e-4
        if method in ("int8", "int8-dynamic"):
            if task in LOSSES and method == "int8":
                yield f"{task}, {method}: loss at most {LOSSES[task]}, {row['loss']:.2f}", row["loss"] <= LOSSES[task]
            ratio = row["quantized_ratio"]
            yield f"{task}, {method}: weights 3.7 times smaller, {ratio:.2f}", ratio >= 3.7
            if f32.get("onnx_mb", 0) > 10:
                share = row["plan_mb"] / f32["onnx_mb"]
                yield f"{task}, {method}: the plan a third of the ONNX file, {share:.3f}", share <= 1 / 3
            if ms:
                yield f"{task}, {method}: faster than f32, {ms['f32'] / ms['tenon']:.2f} times", ms["tenon"] < ms["f32"]
        if method == "channels:0.5" and ms:
            yield f"{task}, {method}: 1.5 times faster, {ms['f32'] / ms['tenon']:.2f}", ms["f32"] / ms["tenon"] >= 1.5
        yield from against_plain(by, task, method)
        if method.startswith("int4"):
            ratio = row["quantized_ratio"]
            yield f"{task}, {method}: weights 7 times smaller, {ratio:.2f}", ratio >= 7


def page(rows, methods):
    text = [HEAD.format(machine=processor())]
    for task in TITLES:
        listed = sorted((r for r in rows if r["task"] == task), key=lambda r: (["f32"] + methods).index(r["method"]))
        if listed:
            text += [f"## {TITLES[task]}\n", f"Score in {UNITS[task]}.\n", "| " + " | ".join(COLUMNS) + " |",
                     "|---" * len(COLUMNS) + "|"]
            text += ["| " + " | ".join(cells(row)) + " |" for row in listed] + [""]
    judged = list(verdicts(rows))
    text += ["## What the bars say\n", f"{sum(ok for _, ok in judged)} of {len(judged)} are met. Those that are not:\n"]
    text += [f"- {what}" for what, ok in judged if not ok]
    return "\n".join(text) + "\n"


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            names = [part.split(":", 1)[1].strip() for part in file if part.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
