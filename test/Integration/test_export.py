"""Models into the graph dialect and back (tenon-translate): the same results in ONNX Runtime, at every size."""
import onnx
import pytest

import test_models
import tool
from conftest import built


@pytest.mark.parametrize("name, sizes", test_models.CASES)
def test_round_trip_gives_equal_results(name, sizes, models, tmp_path):
    translate = built("bin/tenon-translate")
    graph, back = tmp_path / "graph.mlir", tmp_path / "back.onnx"
    tool.succeed(translate, "--onnx-to-graph", models(name), "-o", graph, timeout=300)
    tool.succeed(translate, "--graph-to-onnx", graph, "-o", back, timeout=300)
    onnx.checker.check_model(str(back), full_check=True)
    before, after = tool.onnxruntime(models(name)), tool.onnxruntime(back)
    assert [(i.name, i.type) for i in before.get_inputs()] == [(i.name, i.type) for i in after.get_inputs()]
    names = [o.name for o in before.get_outputs()]
    assert names == [o.name for o in after.get_outputs()]
    for size in sizes:
        feeds = test_models.feeds_of(models(name), size)
        for output, wanted, got in zip(names, before.run(None, feeds), after.run(None, feeds)):
            assert tool.relmax(got, wanted) <= 1e-5, f"{name} {size} {output}"
