"""Models into the graph dialect and back (tenon-translate): the same results in ONNX Runtime, at every size."""
import numpy as np
import onnx
import pytest

import real_models
import test_models
import test_real_models
import tool
from conftest import built

# Sigmoids of about 1e-4, which ONNX Runtime computes to a unit in the last place of 1: relative to 1e-3 at least.
PROBABILITIES = {"speech_probs"}


def there_and_back(path, folder):
    """The model that is exported of the graph that `path` becomes."""
    translate = built("bin/tenon-translate")
    graph, back = folder / "graph.mlir", folder / "back.onnx"
    tool.succeed(translate, "--onnx-to-graph", path, "-o", graph, timeout=300)
    tool.succeed(translate, "--graph-to-onnx", graph, "-o", back, timeout=300)
    graph.unlink()
    model = onnx.load(back)
    for output in model.graph.output:
        output.type.tensor_type.shape.SetInParent()  # only a run knows the rank of some, which the checker refuses
    onnx.checker.check_model(model, full_check=True)
    return back


def compare(path, back, all_feeds, tolerance):
    before, after = tool.onnxruntime(path), tool.onnxruntime(back)
    assert [(i.name, i.type) for i in before.get_inputs()] == [(i.name, i.type) for i in after.get_inputs()]
    names = [o.name for o in before.get_outputs()]
    assert names == [o.name for o in after.get_outputs()]
    for number, feeds in enumerate(all_feeds):
        for output, wanted, got in zip(names, before.run(None, feeds), after.run(None, feeds)):
            error = tool.relmax(got, wanted)
            if error > tolerance and output in PROBABILITIES:
                error = np.abs(got - wanted).max() / 1e-3
            assert error <= tolerance, f"size {number}: {output}"


def compare_lengths(path, back, all_feeds):
    """Of audio that nobody can compare (test_kokoro.py)."""
    before, after = tool.onnxruntime(path), tool.onnxruntime(back)
    for feeds in all_feeds:
        for wanted, got in zip(before.run(None, feeds), after.run(None, feeds)):
            assert abs(got.size - wanted.size) <= 0.05 * wanted.size


@pytest.mark.parametrize("name, sizes", test_models.CASES)
def test_round_trip_gives_equal_results(name, sizes, models, tmp_path):
    back = there_and_back(models(name), tmp_path)
    compare(models(name), back, [test_models.feeds_of(models(name), size) for size in sizes], 1e-5)


@pytest.mark.parametrize("file", [
    pytest.param(file, id=file.removesuffix(".onnx"), marks=() if file in test_real_models.SMALL else pytest.mark.full)
    for file in real_models.SIZES])
def test_real_models_come_back(file, models, tmp_path):
    path = models(file)
    back = there_and_back(path, tmp_path)
    if file in test_real_models.ELSEWHERE:
        return compare_lengths(path, back, [real_models.feeds(path, sizes) for sizes in real_models.SIZES[file]])
    tolerance = max(real_models.TOLERANCE.get(file, real_models.EXACT), real_models.EXACT)
    compare(path, back, [real_models.feeds(path, sizes) for sizes in real_models.SIZES[file]], tolerance)
