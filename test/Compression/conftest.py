"""What the tests of compression share: the tools of this build, and the real tasks of test/Models/tasks."""
import functools
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TENON_BUILD", ROOT / "build"))
sys.path[:0] = [str(ROOT / "test" / "Models"), str(ROOT / "test" / "Integration"), str(BUILD / "python")]


@pytest.fixture(scope="session")
def tenon():
    """The command line tool."""
    return BUILD / "bin" / "tenon"


@pytest.fixture(scope="session")
def task():
    """task(name) -> the Task; a skip where what it is made of cannot be had."""
    import tasks
    from tasks.task import Unavailable

    @functools.cache
    def get(name):
        try:
            return tasks.load(name)
        except Unavailable as missing:
            pytest.skip(f"{missing} cannot be fetched")
    return get


@pytest.fixture(scope="session")
def session(tenon, tmp_path_factory):
    """session(path) -> run(feeds) by a plan that is compiled here."""
    import tenon as package
    import tool
    folder = tmp_path_factory.mktemp("plans")

    @functools.cache
    def get(path):
        plan = folder / f"{path.parent.name}-{path.stem}.tenon"
        done = tool.run(tenon, "compile", path, "-o", plan, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        opened = package.Session(str(plan))
        return lambda feeds: opened.run(None, feeds)
    return get
