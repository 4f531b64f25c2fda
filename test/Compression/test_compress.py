"""`tenon compress` on the tasks: accuracy, size, and the same numbers by ONNX Runtime."""
import json
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "Bench")]


@pytest.fixture(scope="session")
def compressed(tenon, task, tmp_path_factory):
    """compressed(task, method) -> (path of the small model, what the command said of it), made once."""
    import tool
    from compression_methods import METHODS
    if tool.run(tenon, "compress", "--help").returncode:
        pytest.skip("this build has no `tenon compress`")
    folder, kept = tmp_path_factory.mktemp("small"), {}

    def get(name, method):
        if (name, method) not in kept:
            small = folder / f"{name}-{len(kept)}.onnx"
            options = METHODS[method].arguments(task(name))
            done = tool.succeed(tenon, "compress", task(name).model, "-o", small, *options, "--format=json",
                                timeout=300)
            kept[name, method] = (small, json.loads(done.stdout))
        return kept[name, method]
    return get


def loss(it, run):
    """Points of the score that are lost by `run`."""
    from tasks.task import onnx_runtime
    score, of_f32 = (next(iter(it.judge(r).values())) for r in (run, onnx_runtime(it.model)))
    return it.loss(score, of_f32)


@pytest.mark.parametrize("name", ["digits_cnn", "digits_vit"])
@pytest.mark.parametrize("method", ["int8", "int8-dynamic"])
def test_digits_in_8_bits(task, session, compressed, name, method):
    from compression_measure import quantized_bytes
    small, _ = compressed(name, method)
    assert loss(task(name), session(small)) <= 0.3
    quantized, full = quantized_bytes(small)
    assert full >= 3.7 * quantized


@pytest.mark.parametrize("name, method", [
    ("digits_vit", "int4:64 gptq"), ("digits_cnn", "2:4 sparsegpt"), ("digits_cnn", "channels:0.5"),
    ("digits_vit", "low-rank:0.9"), ("digits_cnn", "merge")])
def test_the_exported_model_runs_alike_in_onnx_runtime(task, session, compressed, name, method):
    from compression_measure import disagreement, unoptimised
    small, _ = compressed(name, method)
    worst, _ = disagreement(task(name), session(small), unoptimised(small, 1))
    assert worst <= 1e-4


@pytest.mark.parametrize("name, method", [
    ("digits_cnn", "int8"), ("digits_vit", "int8"), ("digits_cnn", "int8-dynamic"), ("digits_vit", "int8-dynamic"),
    ("digits_vit", "fp8")])
def test_only_ties_of_rounded_values_differ_in_onnx_runtime(task, session, compressed, name, method):
    """Sums of f32 in another order differ in their last bit. Where that is the tie of a value that is rounded next, a
    sample differs by a step of its scale: some 5,000 values a sample, a bit of 1e-7 in steps of 1e-2 of the range."""
    from compression_measure import disagreement, unoptimised
    small, _ = compressed(name, method)
    worst, part = disagreement(task(name), session(small), unoptimised(small, 1))
    assert part <= 0.04 and worst <= 1e-2


def test_four_bits_are_seven_times_smaller(compressed):
    from compression_measure import quantized_bytes
    quantized, full = quantized_bytes(compressed("digits_vit", "int4:64 gptq")[0])
    assert full >= 7 * quantized


def test_two_runs_write_the_same_bytes(tenon, task, compressed, tmp_path):
    import tool
    from compression_methods import METHODS
    small, _ = compressed("digits_cnn", "int8")
    tool.succeed(tenon, "compress", task("digits_cnn").model, "-o", tmp_path / "again.onnx",
                 *METHODS["int8"].arguments(task("digits_cnn")))
    assert (tmp_path / "again.onnx").read_bytes() == small.read_bytes()
