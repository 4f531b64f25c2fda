"""Rounding of long sums in f32, against float64: docs/Rationale/Accuracy.md says why it matters."""
import numpy as np
import pytest

import tool


def rms_error(got, exact):
    return float(np.sqrt((np.abs(got - exact) ** 2).mean() / (np.abs(exact) ** 2).mean()))


def one_node(node, x, y_shape, weights=()):
    from onnx import TensorProto, helper, numpy_helper
    graph = helper.make_graph([node], "one", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)],
                              [numpy_helper.from_array(w, name) for name, w in weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(tenon, model, x, tmp_path, arch):
    import onnx
    onnx.save(model, tmp_path / "one.onnx")
    tool.succeed(tenon, "compile", tmp_path / "one.onnx", "-o", tmp_path / "one.tenon")
    return tool.run_plan(tenon, tmp_path / "one.tenon", {"x": x}, ["y"], tmp_path / arch, f"--arch={arch}")[0]


@pytest.mark.parametrize("arch", tool.cpu_archs())
@pytest.mark.parametrize("channels, kernel", [(24, 9), (96, 9), (512, 3), (2048, 1)])
def test_convolution_adds_up_in_blocks(channels, kernel, arch, tenon, tmp_path):
    """One accumulator over all products would have an error of 7e-7 to 1.5e-6 here."""
    from onnx import helper
    rng, size, out = np.random.default_rng(0), 12, 16
    x = rng.standard_normal((1, channels, size, size)).astype(np.float32)
    w = rng.standard_normal((out, channels, kernel, kernel)).astype(np.float32)
    pad = kernel // 2
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
    exact = np.einsum("nchwij,mcij->nmhw", windows, w.astype(np.float64), optimize=True)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[pad] * 4)
    got = run(tenon, one_node(node, x, exact.shape, [("w", w)]), x, tmp_path, arch)
    assert rms_error(got, exact) < 4e-7


@pytest.mark.parametrize("arch", tool.cpu_archs())
def test_global_average_adds_up_in_blocks(arch, tenon, tmp_path):
    """One accumulator over all 25,600 elements would have an error of 5e-6."""
    from onnx import helper
    x = np.random.default_rng(0).random((1, 32, 160, 160), np.float32) + np.float32(1)
    got = run(tenon, one_node(helper.make_node("GlobalAveragePool", ["x"], ["y"]), x, (1, 32, 1, 1)), x, tmp_path, arch)
    assert rms_error(got, x.astype(np.float64).mean((2, 3), keepdims=True)) < 4e-7


@pytest.mark.parametrize("arch", tool.cpu_archs())
def test_transforms_of_windowed_constants_have_an_angle(arch, tenon, tmp_path):
    """Vocoders divide the imaginary by the real part. With exact zeros in the table both are 0 for a fifth of these."""
    from onnx import helper
    length, frames = 20, 512
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    x = np.repeat(np.random.default_rng(0).random(frames, np.float32), length)[None]
    node = helper.make_node("STFT", ["x", "step", "window"], ["y"])
    weights = [("step", np.array(length, np.int64)), ("window", window)]
    got = run(tenon, one_node(node, x, (1, frames, length // 2 + 1, 2), weights), x, tmp_path, arch)
    assert np.any(got != 0, axis=-1).all()
    assert np.abs(got[0, :, 2:]).max() < 1e-6


@pytest.mark.parametrize("arch", tool.cpu_archs())
@pytest.mark.parametrize("length", [64, 65, 211, 400, 1024])
def test_transforms_of_frames(length, arch, tenon, tmp_path):
    """Short ones are products with a table, long ones go in n log n; 211 is a prime."""
    from onnx import helper
    x = np.random.default_rng(0).standard_normal((2, 5 * length)).astype(np.float32)
    window = np.hanning(length).astype(np.float32)
    exact = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), length, 1)[:, ::length // 2]
                        * window)
    node = helper.make_node("STFT", ["x", "step", "window"], ["y"])
    weights = [("step", np.array(length // 2, np.int64)), ("window", window)]
    got = run(tenon, one_node(node, x, (*exact.shape, 2), weights), x, tmp_path, arch)
    assert rms_error(got[..., 0] + 1j * got[..., 1], exact) < 4e-7
