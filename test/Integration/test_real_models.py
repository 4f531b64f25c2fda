"""The real models of test/Models/models.json at full size: one plan for every size, against ONNX Runtime."""
import pytest

import fetch_models
import real_models
import tool

# The default run takes one model of each kind; the others are as many seconds again.
SMALL = {"320n.onnx", "attacut-c.onnx", "attacut-sc.onnx", "captcha_crnn.onnx", "ch_PP-OCRv4_det_infer.onnx",
         "common_old.onnx", "magika_model.onnx", "minimol_v1.onnx", "model_v8.onnx", "sig_bak_ovr.onnx",
         "silero_vad.onnx", "silero_vad_16k_sequence.onnx"}
# Nobody's audio is comparable: see test_kokoro.py.
ELSEWHERE = {"kokoro_82m_int8.onnx"}


def marks(file):
    if file not in SMALL:
        yield pytest.mark.full


def test_every_model_is_fed():
    assert set(real_models.SIZES) == {entry["file"] for entry in fetch_models.entries()}


@pytest.mark.parametrize("file", [pytest.param(f, id=f.removesuffix(".onnx"), marks=list(marks(f)))
                                  for f in real_models.SIZES if f not in ELSEWHERE])
def test_one_plan_serves_every_size(file, tenon, models, compiled, tmp_path):
    path, session = models(file), tool.onnxruntime(models(file))
    names = [o.name for o in session.get_outputs()]
    tolerance = real_models.TOLERANCE.get(file, real_models.EXACT)
    for number, sizes in enumerate(real_models.SIZES[file]):
        feeds = real_models.feeds(path, sizes)
        wanted = session.run(None, feeds)
        for arch in tool.cpu_archs():
            got = tool.run_plan(tenon, compiled(file), feeds, names, tmp_path / f"{number}-{arch}", f"--arch={arch}")
            worst = {n: tool.relmax(g, w) for n, g, w in zip(names, got, wanted)}
            if file in real_models.COSINE and max(worst.values()) > tolerance:
                cosines = [real_models.mean_cosine(g, w) for g, w in zip(got, wanted)]
                assert min(cosines) >= real_models.COSINE[file], f"{file} {sizes} {arch}: cosines {cosines}"
            else:
                assert max(worst.values()) <= tolerance, f"{file} {sizes} {arch}: relmax {worst}"
