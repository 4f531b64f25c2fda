"""Same model, same options, same bytes: compiled twice, in two directories, with one worker and with two."""
import shutil
import signal
import subprocess
import time

import pytest

import tool


def compile_in(tenon, model, folder, *options):
    folder.mkdir()
    shutil.copy(model, folder / "m.onnx")
    tool.succeed(tenon, "compile", "m.onnx", "-o", "m.tenon", *options, cwd=folder, timeout=300)
    return (folder / "m.tenon").read_bytes()


@pytest.mark.parametrize("name", ["mlp_tiny", "resnet50_tiny", "bert_base_tiny"])
def test_same_bytes(name, tenon, models, tmp_path):
    first = compile_in(tenon, models(name), tmp_path / "a", "--jobs=1")
    assert compile_in(tenon, models(name), tmp_path / "a_longer_folder_name", "--jobs=1") == first
    assert compile_in(tenon, models(name), tmp_path / "c", "--jobs=2") == first


@pytest.mark.full
def test_same_bytes_at_full_size(tenon, models, tmp_path):
    first = compile_in(tenon, models("resnet50"), tmp_path / "a", "--jobs=1")
    assert compile_in(tenon, models("resnet50"), tmp_path / "b", "--jobs=2") == first


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_compile_leaves_nothing(delay, sign, tenon, models, tmp_path):
    output = tmp_path / "out" / "m.tenon"
    output.parent.mkdir()
    listen = lambda: signal.signal(sign, signal.SIG_DFL)  # this process may ignore it
    child = subprocess.Popen([tenon, "compile", models("resnet50_tiny"), "-o", output], stderr=subprocess.DEVNULL,
                             preexec_fn=listen)
    time.sleep(delay)
    child.send_signal(sign)
    if child.wait(60) == 0:  # it was faster
        assert [p.name for p in output.parent.iterdir()] == ["m.tenon"]
    else:
        assert not list(output.parent.iterdir())


def test_a_background_job_is_not_interrupted(tenon, models, tmp_path):
    """Shells start it with SIGINT ignored, which must stay so."""
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen([tenon, "compile", models("resnet50_tiny"), "-o", tmp_path / "m.tenon"], preexec_fn=ignore)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 0 and (tmp_path / "m.tenon").exists()
