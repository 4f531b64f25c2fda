"""Ranks as processes of MPI: the same bits as threads, and an error on all others where one is gone."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import uuid

import numpy as np
import pytest

import rank_programs as programs
import tool
from conftest import built
from rank_programs import Collective

LIMIT = 5  # seconds from the death of a rank to the errors of all others


@pytest.fixture(scope="module", autouse=True)
def mpi():
    if not shutil.which("mpirun"):
        pytest.skip("no mpirun (Debian: openmpi-bin)")
    built("lib/libtenon_mpi.so")


def environment():
    return os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                         "TENON_TEST_TOKEN": uuid.uuid4().hex}


def command(folder, *applications, options=()):
    """mpirun of (count, words of the command) pairs. What each rank says goes to files in the folder."""
    line = ["mpirun", "--oversubscribe", "--bind-to", "none", "--output-filename", str(folder / "said"), *options]
    for index, (count, words) in enumerate(applications):
        line += [":"] * (index > 0) + ["-n", str(count), *map(str, words)]
    return line


def said(folder, rank, stream="stderr"):
    return "".join(path.read_text() for path in (folder / "said").glob(f"*/rank.{rank}/{stream}"))


def compile_text(tenon, text, folder):
    (folder / "ranks.mlir").write_text(text)
    tool.succeed(tenon, "compile", folder / "ranks.mlir", "-o", folder / "ranks.tenon")
    return folder / "ranks.tenon"


def saved(folder, array):
    np.save(folder / "x.npy", array)
    return f"x={folder / 'x.npy'}"


def all_kinds(ranks):
    rows = programs.even_parts(ranks)
    columns = {2: [5, 1], 3: [0, 6, 0], 4: [1, 2, 0, 3]}[ranks]
    return {"all_reduce": Collective("all_reduce"), "all_gather": Collective("all_gather", axis=1, extents=columns),
            "reduce_scatter": Collective("reduce_scatter", "sum", 1, columns),
            "all_to_all": Collective("all_to_all", "sum", 0, rows, 1, columns)}


@pytest.mark.parametrize("ranks", [2, 3, 4])
@pytest.mark.parametrize("kind", ["all_reduce", "all_gather", "reduce_scatter", "all_to_all"])
def test_same_bits_as_threads(ranks, kind, tenon, tmp_path):
    plan = compile_text(tenon, programs.module(all_kinds(ranks)[kind], ranks, "f32"), tmp_path)
    names = [f"y{r}" for r in range(ranks)]
    for rows in (7, 3000):
        x = np.random.default_rng(rows).standard_normal((ranks, rows, 6)).astype(np.float32)
        want = tool.run_plan(tenon, plan, {"x": x}, names, tmp_path / f"threads{rows}", f"--ranks={ranks}")
        out = tmp_path / f"mpi{rows}"
        words = [tenon, "run", plan, "--input", saved(tmp_path, x), f"--output-dir={out}", f"--ranks={ranks}",
                 "--format=json"]
        done = subprocess.run(command(out, (ranks, words)), env=environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert json.loads(said(out, 0, "stdout"))["ranks"] == ranks
        assert not any(said(out, rank, "stdout") for rank in range(1, ranks)), "rank 0 alone has outputs"
        for name, expected in zip(names, want):
            assert np.load(out / f"{name}.npy").tobytes() == expected.tobytes()


def test_refuses_another_number_of_processes(tenon, tmp_path):
    plan = compile_text(tenon, programs.module(Collective("all_reduce"), 2, "f32"), tmp_path)
    words = [tenon, "run", plan, "--input", saved(tmp_path, np.zeros((2, 1, 6), np.float32))]
    done = subprocess.run(command(tmp_path, (3, words)), env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    for rank in range(3):
        assert "TN7021: the plan has 2 ranks, but there are 3 processes" in said(tmp_path, rank)


def find_rank(rank, environ):
    """The process of a rank of this run, once it has used enough of the processor to be at work."""
    wanted = {f"OMPI_COMM_WORLD_RANK={rank}", f"TENON_TEST_TOKEN={environ['TENON_TEST_TOKEN']}"}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                variables = set((folder / "environ").read_text(errors="replace").split("\0"))
                times = (folder / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
            except OSError:
                continue
            if wanted <= variables and sum(map(int, times)) / os.sysconf("SC_CLK_TCK") > 1:
                return int(folder.name)
        time.sleep(0.1)
    raise AssertionError(f"rank {rank} has not begun")


@pytest.fixture(scope="module")
def busy_plan(tenon, tmp_path_factory):
    return compile_text(tenon, programs.busy_module(3, 1024, 2000), tmp_path_factory.mktemp("busy"))


@pytest.mark.parametrize("victim, options", [(1, ["--enable-recovery"]), (0, ["--enable-recovery"]), (2, [])])
def test_all_others_end_where_a_rank_is_killed(victim, options, busy_plan, tenon, tmp_path):
    """With recovery mpirun lets the others live: it is not what ends them."""
    x = saved(tmp_path, np.eye(1024, dtype=np.float32))
    environ = environment()
    words = [tenon, "run", busy_plan, "--input", x, "--threads=1"]
    child = subprocess.Popen(command(tmp_path, (3, words), options=options), env=environ, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    try:
        os.kill(find_rank(victim, environ), signal.SIGKILL)
        killed = time.monotonic()
        _, errors = child.communicate(timeout=30)
        seconds = time.monotonic() - killed
    finally:
        child.kill()
    assert seconds < LIMIT, f"{seconds:.1f} s: {errors}"
    for rank in {0, 1, 2} - {victim}:
        assert f"TN7019: rank {victim} has failed" in said(tmp_path, rank), f"rank {rank}: {errors}"


def test_all_others_end_where_a_rank_fails_by_itself(tenon, tmp_path):
    plan = compile_text(tenon, programs.module(Collective("all_reduce"), 3, "f32"), tmp_path)
    good = [tenon, "run", plan, "--input", saved(tmp_path, np.zeros((3, 1, 6), np.float32))]
    bad = [tenon, "run", plan, "--input", f"x={tmp_path / 'missing.npy'}"]
    started = time.monotonic()
    done = subprocess.run(command(tmp_path, (1, good), (1, bad), (1, good), options=["--enable-recovery"]), env=environment(),
                          capture_output=True, text=True, timeout=60)
    assert time.monotonic() - started < 2 * LIMIT
    assert "TN9004" in said(tmp_path, 1), done.stderr
    for rank in (0, 2):
        assert "TN7019: rank 1 has failed" in said(tmp_path, rank), done.stderr


def test_ends_where_a_rank_never_starts(tenon, tmp_path):
    """MPI itself would wait for ever."""
    plan = compile_text(tenon, programs.module(Collective("all_reduce"), 2, "f32"), tmp_path)
    words = [tenon, "run", plan, "--input", saved(tmp_path, np.zeros((2, 1, 6), np.float32))]
    subprocess.run(command(tmp_path, (1, words), (1, ["sleep", "4"]), options=["--enable-recovery"]),
                   env=environment() | {"TENON_MPI_START_SECONDS": "2"}, capture_output=True, timeout=60)
    assert "TN7021: the processes of the ranks do not meet: not all" in said(tmp_path, 0)
