"""Plans of several ranks, run as threads: every collective against numpy, with parts that are uneven or empty."""
import itertools

import ml_dtypes
import numpy as np
import pytest

import rank_programs as programs
import tool
from rank_programs import Collective

ELEMENTS = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i8": np.int8,
            "i32": np.int32, "i64": np.int64, "ui8": np.uint8, "i1": np.bool_}
REDUCTIONS = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum}
BOOLEAN = {"sum": np.logical_or, "max": np.logical_or, "prod": np.logical_and, "min": np.logical_and}


def extents_at(extents, n):
    return [eval(str(e).replace("floordiv", "//"), {"N": n}) for e in extents]  # noqa: S307: our own expressions


def cut(array, axis, extents, index):
    start = sum(extents[:index])
    return array[(slice(None),) * axis + (slice(start, start + extents[index]),)]


def reduced(kind, parts):
    """In the order of ranks, 16-bit floats in f32 and rounded once."""
    element = parts[0].dtype
    if element == np.bool_:
        operation, wide = BOOLEAN[kind], element
    else:
        operation, wide = REDUCTIONS[kind], np.float32 if element.itemsize == 2 and element.kind in "fV" else element
    total = parts[0].astype(wide)
    for part in parts[1:]:
        total = operation(total, part.astype(wide), dtype=wide)
    return total.astype(element)


def expected(collective, x):
    """What each rank gets."""
    ranks, n = len(x), x.shape[1]
    extents = collective.extents and extents_at(collective.extents, n)
    if collective.kind == "all_reduce":
        return [reduced(collective.reduction, list(x))] * ranks
    if collective.kind == "reduce_scatter":
        total = reduced(collective.reduction, list(x))
        return [cut(total, collective.axis, extents, r) for r in range(ranks)]
    if collective.kind == "all_gather":
        return [np.concatenate([cut(x[r], collective.axis, extents, r) for r in range(ranks)], collective.axis)] * ranks
    joined = extents_at(collective.concat_extents, n)
    sources = [cut(x[r], collective.concat_axis, joined, r) for r in range(ranks)]
    return [np.concatenate([cut(s, collective.axis, extents, r) for s in sources], collective.concat_axis)
            for r in range(ranks)]


def compile_module(tenon, text, folder):
    (folder / "ranks.mlir").write_text(text)
    tool.succeed(tenon, "compile", folder / "ranks.mlir", "-o", folder / "ranks.tenon")
    return folder / "ranks.tenon"


def data(ranks, n, element, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((ranks, n, 6)) if np.dtype(element).kind in "fV" else rng.integers(-9, 9, (ranks, n, 6))
    return (values > 0) if element == np.bool_ else values.astype(element)


def check(tenon, collective, ranks, name, folder, sizes):
    plan = compile_module(tenon, programs.module(collective, ranks, name), folder)
    for n in sizes:
        x = data(ranks, n, ELEMENTS[name])
        want = expected(collective, x)
        got = tool.run_plan(tenon, plan, {"x": x}, [f"y{r}" for r in range(ranks)], folder / str(n))
        for r in range(ranks):
            assert got[r].tobytes() == np.ascontiguousarray(want[r]).tobytes(), f"rank {r} of {ranks}, N = {n}"


def collectives(ranks):
    rows, columns = programs.even_parts(ranks), {2: [5, 1], 3: [0, 6, 0], 4: [1, 2, 0, 3]}[ranks]
    yield "all_reduce", Collective("all_reduce")
    for axis, extents in ((0, rows), (1, columns)):
        yield f"all_gather_{axis}", Collective("all_gather", axis=axis, extents=extents)
        yield f"reduce_scatter_{axis}", Collective("reduce_scatter", "max", axis, extents)
    yield "all_to_all_0", Collective("all_to_all", "sum", 0, rows, 1, columns)
    yield "all_to_all_1", Collective("all_to_all", "sum", 1, columns, 0, rows)


@pytest.mark.parametrize("ranks, name, collective",
                         [pytest.param(r, n, c, id=f"{r}-{n}") for r in (2, 3, 4) for n, c in collectives(r)])
def test_collectives(ranks, name, collective, tenon, tmp_path):
    check(tenon, collective, ranks, "f32", tmp_path, sizes=(7, 1, 2000))


@pytest.mark.parametrize("element, reduction", list(itertools.product(ELEMENTS, REDUCTIONS)))
def test_reductions(element, reduction, tenon, tmp_path):
    check(tenon, Collective("all_reduce", reduction), 3, element, tmp_path, sizes=(5, 3000))


def test_ranks_that_disagree_about_sizes_end(tenon, tmp_path):
    """The first message of the second rank's larger sum has, by chance, the size of the first rank's whole."""
    argument = '%x: tensor<?xf32, #graph.shape<[N]>> {graph.name = "x"}'
    (tmp_path / "ranks.mlir").write_text(f"""
func.func @rank_0({argument}) -> (tensor<?xf32, #graph.shape<[N]>> {{graph.name = "y"}}) attributes {{graph.rank = 0}} {{
  %s = graph.all_reduce "sum" %x group [0, 1] : tensor<?xf32, #graph.shape<[N]>>
  return %s : tensor<?xf32, #graph.shape<[N]>>
}}
func.func @rank_1({argument}) attributes {{graph.rank = 1}} {{
  %c = graph.concat %x, %x {{axis = 0 : i64}}
    : (tensor<?xf32, #graph.shape<[N]>>, tensor<?xf32, #graph.shape<[N]>>) -> tensor<?xf32, #graph.shape<[2 * N]>>
  %s = graph.all_reduce "sum" %c group [0, 1] : tensor<?xf32, #graph.shape<[2 * N]>>
  return
}}
""")
    plan = tmp_path / "ranks.tenon"
    tool.succeed(tenon, "compile", tmp_path / "ranks.mlir", "-o", plan)
    for size in (4096, 5000):
        np.save(tmp_path / "x.npy", np.ones(size, np.float32))
        done = tool.run(tenon, "run", plan, "--input", f"x={tmp_path / 'x.npy'}", f"--output-dir={tmp_path / 'out'}",
                        timeout=20)
        assert done.returncode == 6 and "TN7020" in done.stderr, tool.describe(done)
