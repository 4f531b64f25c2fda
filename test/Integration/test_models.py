"""Whole models: one plan for every size, on each code variant of this machine, against ONNX Runtime."""
import numpy as np
import pytest

import tool

TOLERANCE = 1e-4  # relmax, of f32 networks whose activations stay of order one
REDUCED_TOLERANCE = 1e-2
IMAGES = [{"N": 1}, {"N": 3}]
TOKENS = [{"B": 1, "S": 8}, {"B": 2, "S": 17}, {"B": 3, "S": 64}]
MANY_IMAGES = [{"N": 1}, {"N": 3}, {"N": 8}]
CACHED = [{"B": 1, "S": 64, "P": 64}, {"B": 2, "S": 13, "P": 0}, {"B": 3, "S": 1, "P": 21}]


def case(name, sizes, *marks):
    return pytest.param(name, sizes, id=name, marks=marks)


CASES = [
    case("mlp_tiny", [{"N": 1}, {"N": 5}, {"N": 16}]),
    case("cifar10_cnn_tiny", IMAGES),
    case("mobilenetv2_tiny", IMAGES),
    case("resnet50_tiny", IMAGES),
    case("bert_base_tiny", TOKENS),
    case("wide_resnet28_10_tiny", IMAGES),
    case("bilstm_tiny", [{"N": 1, "T": 8}, {"N": 3, "T": 17}, {"N": 11, "T": 1}]),
    case("gpt2_small_tiny", [{"B": 1, "S": 8, "P": 4}, {"B": 2, "S": 13, "P": 0}, {"B": 3, "S": 1, "P": 21}]),
    case("llama_block_op23_tiny", [{"B": 1, "S": 8, "P": 4}, {"B": 2, "S": 13, "P": 0}, {"B": 3, "S": 1, "P": 21}]),
    case("mlp", [{"N": 1}, {"N": 33}, {"N": 128}], pytest.mark.full),
    case("cifar10_cnn", MANY_IMAGES, pytest.mark.full),
    case("mobilenetv2", MANY_IMAGES, pytest.mark.full),
    case("resnet50", MANY_IMAGES, pytest.mark.full),
    case("wide_resnet28_10", MANY_IMAGES, pytest.mark.full),
    case("bert_base", [{"B": 1, "S": 8}, {"B": 2, "S": 64}, {"B": 3, "S": 200}], pytest.mark.full),
    case("bilstm", [{"N": 1, "T": 64}, {"N": 3, "T": 17}, {"N": 11, "T": 1}], pytest.mark.full),
    case("gpt2_small", CACHED, pytest.mark.full),
    case("llama_block_op23", CACHED, pytest.mark.full),
]


def feeds_of(path, sizes):
    import drawn_inputs
    import onnx
    return drawn_inputs.draw_inputs(onnx.load(path, load_external_data=False), sizes)


@pytest.mark.parametrize("name, sizes", CASES)
def test_one_plan_serves_every_size(name, sizes, tenon, models, compiled, tmp_path):
    plan, session = compiled(name), tool.onnxruntime(models(name))
    names = [o.name for o in session.get_outputs()]
    for number, size in enumerate(sizes):
        feeds = feeds_of(models(name), size)
        wanted = session.run(None, feeds)
        for arch in tool.cpu_archs():
            got = tool.run_plan(tenon, plan, feeds, names, tmp_path / f"{number}-{arch}", f"--arch={arch}")
            worst = {n: tool.relmax(g, w) for n, g, w in zip(names, got, wanted)}
            assert max(worst.values()) <= TOLERANCE, f"{name} {size} {arch}: relmax {worst}"


@pytest.mark.parametrize("name, sizes", [c for c in CASES if "tiny" in c.id])
def test_one_plan_serves_every_size_on_the_virtual_gpu(name, sizes, tenon, models, tmp_path, monkeypatch):
    """The kernels of target cuda, on the host: any order of warps gives the same bytes."""
    tool.succeed(tenon, "compile", models(name), "-o", tmp_path / "vgpu.tenon", "--target=vgpu")
    session = tool.onnxruntime(models(name))
    names = [o.name for o in session.get_outputs()]
    for number, size in enumerate(sizes[:2]):
        feeds = feeds_of(models(name), size)
        wanted, first = session.run(None, feeds), None
        for seed in (0, 1):
            monkeypatch.setenv("TENON_VGPU_SEED", str(seed))
            got = tool.run_plan(tenon, tmp_path / "vgpu.tenon", feeds, names, tmp_path / f"{number}-{seed}")
            worst = {n: tool.relmax(g, w) for n, g, w in zip(names, got, wanted)}
            assert max(worst.values()) <= TOLERANCE, f"{name} {size} seed {seed}: relmax {worst}"
            first = first or got
            assert all(np.array_equal(a, b) for a, b in zip(first, got)), f"{name} {size}: a race, seed {seed} differs"


# On sm_90a products go by wgmma where they can, on sm_80 by mma.sync.
@pytest.mark.parametrize("precision, arch", [("tf32", "sm_80"), ("fp16", "sm_80"), ("fp16", "sm_90a"), ("bf16", "sm_90a")])
@pytest.mark.parametrize("name, sizes", [c for c in CASES if "tiny" in c.id])
def test_reduced_precision_on_the_virtual_gpu(name, sizes, precision, arch, tenon, models, tmp_path, request):
    """Products on tensor cores; inputs and outputs keep their types."""
    if (name, precision) == ("bert_base_tiny", "bf16"):
        request.applymarker(pytest.mark.xfail(strict=True, reason="bf16 misses 1e-2: docs/Rationale/Precision.md"))
    tool.succeed(tenon, "compile", models(name), "-o", tmp_path / "vgpu.tenon", "--target=vgpu",
                 f"--arch={arch}", f"--precision={precision}")
    session = tool.onnxruntime(models(name))
    names, feeds = [o.name for o in session.get_outputs()], feeds_of(models(name), sizes[-1])
    wanted = session.run(None, feeds)
    got = tool.run_plan(tenon, tmp_path / "vgpu.tenon", feeds, names, tmp_path / "run")
    worst = {n: tool.relmax(g, w) for n, g, w in zip(names, got, wanted)}
    assert 0 < max(worst.values()) <= REDUCED_TOLERANCE, f"{name} {sizes[-1]} {precision} {arch}: relmax {worst}"


def test_reduced_precision_is_refused_by_name_on_processors(tenon, models, tmp_path):
    done = tool.run(tenon, "compile", models("mlp_tiny"), "-o", tmp_path / "m.tenon", "--precision=fp16")
    tool.assert_refused(done, names=["TN5012"], codes=[3])
    assert not (tmp_path / "m.tenon").exists()


@pytest.mark.parametrize("name", ["mlp_tiny", "resnet50_tiny", "bert_base_tiny"])
def test_threads_do_not_change_a_byte(name, tenon, models, compiled, tmp_path):
    """Work-groups own their outputs, so the number of threads must not reach the numbers."""
    import onnx
    feeds = feeds_of(models(name), {"N": 2, "B": 2, "S": 9})
    names = [o.name for o in onnx.load(models(name)).graph.output]
    one, two = (tool.run_plan(tenon, compiled(name), feeds, names, tmp_path / t, f"--threads={t}") for t in "12")
    for name_, a, b in zip(names, one, two):
        assert np.array_equal(a, b), name_


@pytest.mark.parametrize("name, shapes", [
    ("mlp_tiny", ["input=2x784"]),
    ("cifar10_cnn_tiny", ["input=2x3x32x32"]),
    ("bert_base_tiny", ["input_ids=2x7", "attention_mask=2x7", "token_type_ids=2x7"]),
])
@pytest.mark.parametrize("against", ["onnxruntime", "reference"])
def test_verify_agrees(name, shapes, against, tenon, models):
    tool.succeed(tenon, "verify", models(name), f"--against={against}", *[f"--shape={s}" for s in shapes], timeout=300)


def test_output_files_have_encoded_names(tenon, tmp_path):
    """Names of real models hold '/' and ':'; a hostile one would leave the folder."""
    from onnx import TensorProto, helper, save
    name = "../../a/b:0"
    graph = helper.make_graph([helper.make_node("Relu", ["x/in:0"], [name], name="r")], "names",
                              [helper.make_tensor_value_info("x/in:0", TensorProto.FLOAT, ["N", 4])],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4])])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    tool.succeed(tenon, "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.tenon")
    x = np.array([[-1, 0, 2, 3]], np.float32)
    (y,) = tool.run_plan(tenon, tmp_path / "m.tenon", {"x/in:0": x}, [name], tmp_path / "run")
    assert np.array_equal(y, np.maximum(x, 0))
    assert [p.name for p in (tmp_path / "run" / "out").iterdir()] == ["..%2F..%2Fa%2Fb%3A0.npy"]
