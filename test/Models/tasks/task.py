"""What every task has: a model, calibration data that is disjoint from what is judged, and a score."""
import hashlib
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("TENON_DEPS", pathlib.Path.home() / ".cache" / "tenon")) / "models"


class Unavailable(Exception):
    """A file that a task is made of cannot be fetched."""


def fetched(name):
    """A file of models.json or data.json, downloaded once."""
    done = subprocess.run([sys.executable, HERE.parent / "fetch_models.py", "--out", CACHE, name])
    if done.returncode == 3:
        raise Unavailable(name)
    done.check_returncode()
    return CACHE / name


def made(name, sources, make):
    """The folder CACHE/NAME-HASH; make(folder) fills it once, whole or not at all. HASH is that of the files `sources`
    beside this one and of the versions of numpy and onnx."""
    import numpy
    import onnx
    text = b"".join((HERE / source).read_bytes() for source in sources)
    text += f"{numpy.__version__} {onnx.__version__}".encode()
    folder = CACHE / f"{name}-{hashlib.sha256(text).hexdigest()[:12]}"
    if not folder.exists():
        partial = CACHE / f"partial-{name}-{os.getpid()}"
        partial.mkdir(parents=True)
        make(partial)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            if not folder.exists():
                raise
    return folder


def onnx_runtime(model, threads=0):
    """run(feeds) by ONNX Runtime; 0 threads are as many as it likes."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, feeds)


class Task:
    """`model`: path of the ONNX file. `calibration`: an .npz (keys: inputs; the first axis of the arrays: samples), or
    a folder with one .npz for each batch. `judge(run)` -> {measure: value}, the first of which is the score, in `unit`;
    run maps feeds {input: array} to the list of outputs. `feeds`: what to time."""

    name, unit = "", ""
    higher_is_better = True

    def judge(self, run):
        raise NotImplementedError

    def loss(self, score, of_f32):
        """By how much a score is worse than that of the model in f32, in `unit`; negative where it is better."""
        return of_f32 - score if self.higher_is_better else score - of_f32
