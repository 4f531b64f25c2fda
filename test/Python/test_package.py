"""The package as it lies in the build tree: it can be moved, imports with numpy alone, and says its types."""
import inspect
import os
import shutil
import subprocess
import sys

import pytest

import tenon
from conftest import BUILD


def test_a_copied_package_imports_without_other_modules_than_numpy(tmp_path):
    """With nothing on the path of libraries, and without what the tests of this venv use."""
    shutil.copytree(BUILD / "python", tmp_path / "lib")
    script = "import sys, tenon; print(tenon.__version__, tenon.cpu_arch())\n" \
             "assert not {'onnx', 'ml_dtypes', 'nanobind', 'google'} & set(sys.modules), sorted(sys.modules)\n" \
             "assert 'tenon._compiler' not in sys.modules"
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    environment["PYTHONPATH"] = str(tmp_path / "lib")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [tenon.__version__, tenon.cpu_arch()]


def test_ends_without_leaks(mlp, tmp_path):
    """nanobind prints to stderr what still lives when the interpreter ends."""
    (tmp_path / "m.onnx").write_bytes(mlp.SerializeToString())
    script = "import numpy, tenon\ns = tenon.Session(tenon.compile('m.onnx'))\n" \
             "s.run(None, {'input': numpy.ones((1, 784), 'f4')})\n" \
             "try: tenon.Session('none')\nexcept tenon.Error: pass"
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_moved_package_uses_its_own_libraries(mlp, tmp_path):
    shutil.copytree(BUILD / "python", tmp_path / "lib")
    (tmp_path / "m.onnx").write_bytes(mlp.SerializeToString())
    script = "import tenon; tenon.Session(tenon.compile('m.onnx', jobs=1))\n" \
             "print(*sorted({l.split()[-1] for l in open('/proc/self/maps') if 'libtenon' in l}))"
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    environment["PYTHONPATH"] = str(tmp_path / "lib")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{tmp_path}/lib/tenon/libtenon_{name}.so.0" for name in ("compiler", "runtime")]


@pytest.mark.parametrize("name", ["py.typed", "_runtime.pyi", "_compiler.pyi"])
def test_types_are_shipped(name):
    assert (BUILD / "python" / "tenon" / name).exists()


def test_every_public_function_is_annotated():
    public = [tenon.compile, tenon.cpu_arch, tenon.Plan.__init__, tenon.Plan.save, tenon.Session.__init__,
              tenon.Session.run, tenon.Error.__init__]
    for function in public:
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, function
        missing = [p for p in signature.parameters.values() if p.name != "self" and p.annotation is p.empty]
        assert not missing, (function, missing)


def test_an_error_survives_pickling():
    import pickle
    error = pickle.loads(pickle.dumps(tenon.Error("TN7003", "reason", "remedy", "node")))
    assert (error.code, error.reason, error.remedy, error.node) == ("TN7003", "reason", "remedy", "node")
    assert str(error) == "TN7003: node 'node': reason (remedy)"
