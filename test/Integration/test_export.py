"""Models into the graph dialect and back (tenon-translate): the same results in ONNX Runtime, at every size."""
import onnx
import pytest

import real_models
import test_models
import test_real_models
import tool
from conftest import built

def there_and_back(path, folder):
    """The model that is exported of the graph that `path` becomes."""
    translate = built("bin/tenon-translate")
    graph, back = folder / "graph.mlir", folder / "back.onnx"
    tool.succeed(translate, "--onnx-to-graph", path, "-o", graph, timeout=300)
    tool.succeed(translate, "--graph-to-onnx", graph, "-o", back, timeout=300)
    graph.unlink()
    onnx.checker.check_model(str(back), full_check=True)
    return back


def compare(path, back, all_feeds, tolerance):
    before, after = tool.onnxruntime(path), tool.onnxruntime(back)
    assert [(i.name, i.type) for i in before.get_inputs()] == [(i.name, i.type) for i in after.get_inputs()]
    names = [o.name for o in before.get_outputs()]
    assert names == [o.name for o in after.get_outputs()]
    for number, feeds in enumerate(all_feeds):
        for output, wanted, got in zip(names, before.run(None, feeds), after.run(None, feeds)):
            assert tool.relmax(got, wanted) <= tolerance, f"size {number}: {output}"


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
    tolerance = max(real_models.TOLERANCE.get(file, real_models.EXACT), real_models.EXACT)
    compare(path, back, [real_models.feeds(path, sizes) for sizes in real_models.SIZES[file]], tolerance)
