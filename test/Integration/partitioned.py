"""Models over ranks: which plans are tried, and how a run is compared with that of one device."""
import json
import pathlib

import numpy as np

import tool

# Sums over parts are rounded in another order. Relative to the largest value; worst seen: docs/PartitionEquality.md.
TOLERANCE = 1e-5

PLANS = {
    1: ["data:1"],
    2: ["data:2", "tensor:2", "pipeline:2"],
    3: ["data:3", "tensor:3", "pipeline:3"],
    4: ["data:4", "tensor:4", "pipeline:4", "data:2,tensor:2", "tensor:2,pipeline:2", "data:2,pipeline:2"],
    6: ["data:6", "tensor:6", "pipeline:6", "data:3,tensor:2", "data:2,pipeline:3"],
    8: ["data:8", "tensor:8", "pipeline:8", "data:2,tensor:2,pipeline:2"],
}

# Extents of symbols, or for a real model which of its sizes.
MODELS = {
    "mlp_tiny": {"N": 5}, "cifar10_cnn_tiny": {"N": 5}, "mobilenetv2_tiny": {"N": 3}, "resnet50_tiny": {"N": 5},
    "wide_resnet28_10_tiny": {"N": 3}, "bert_base_tiny": {"B": 3, "S": 13}, "bilstm_tiny": {"N": 5, "T": 7},
    "gpt2_small_tiny": {"B": 3, "S": 5, "P": 4}, "llama_block_op23_tiny": {"B": 3, "S": 5, "P": 4},
    "spindle-detector-eeg.onnx": 2, "magika_model.onnx": 1, "320n.onnx": 1,
}
OPTIONS = ["--arch=x86-64-v3"]  # one variant of each kernel: it compiles faster


def make_case(tenon, name, folder):
    """The model and its inputs; a real one is fetched."""
    import drawn_inputs
    import make_models
    import onnx
    import real_models
    from conftest import real_model
    if name.endswith(".onnx"):
        path = real_model(name)
        return Case(tenon, path.stem, path, real_models.feeds(path, real_models.SIZES[name][MODELS[name]]), folder,
                    *OPTIONS)
    path = pathlib.Path(folder) / f"{name}.onnx"
    onnx.save(make_models.build(name.removesuffix("_tiny"), tiny=True), path)
    return Case(tenon, name, path, drawn_inputs.draw_inputs(onnx.load(path), MODELS[name]), folder, *OPTIONS)


def compile_over(tenon, model, plan, ranks, parallel, folder, *options):
    """Compiles for a cluster of `ranks` processors."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = folder / f"cpu{ranks}.json"
    cluster.write_text(json.dumps({"devices": [{"kind": "cpu", "count": ranks}]}))
    tool.succeed(tenon, "compile", model, "-o", plan, f"--devices={cluster}", f"--parallel={parallel}", *options,
                 timeout=600)


def ranks_of(tenon, plan, *options):
    """ranks[] of `tenon inspect --format=json`."""
    return json.loads(tool.succeed(tenon, "inspect", plan, "--kernels", "--format=json", *options).stdout)["ranks"]


def combines_parts(ranks):
    return any(c["kind"] in ("AllReduce", "ReduceScatter") for rank in ranks for c in rank["collective_list"])


def compare(got, wanted):
    """Largest relmax of all outputs, and whether all bits are the same."""
    worst = max((tool.relmax(g, w) for g, w in zip(got, wanted)), default=0.0)
    return worst, all(g.tobytes() == w.tobytes() for g, w in zip(got, wanted))


def run_over(tenon, plan, feeds, names, folder, ranks, transport="threads"):
    if transport == "threads":
        return tool.run_plan(tenon, plan, feeds, names, folder, f"--ranks={ranks}")
    folder.mkdir(parents=True, exist_ok=True)
    arguments = []
    for index, (name, array) in enumerate(feeds.items()):
        np.save(folder / f"input{index}.npy", array)
        arguments += ["--input", f"{name}={folder / f'input{index}.npy'}"]
    tool.succeed(*mpirun(ranks), tenon, "run", plan, *arguments, f"--output-dir={folder / 'out'}", timeout=300)
    return [np.load(folder / "out" / f"{tool.encode(name)}.npy") for name in names]


def mpirun(ranks):
    return ["mpirun", "-n", str(ranks), "--oversubscribe", "--allow-run-as-root", "--bind-to", "none"]


class Case:
    """A model, the extents of its symbols, and what one device makes of one set of inputs."""

    def __init__(self, tenon, name, model, feeds, folder, *options):
        import onnx
        self.tenon, self.name, self.model, self.feeds, self.options = tenon, name, model, feeds, options
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.outputs = [o.name for o in onnx.load(model, load_external_data=False).graph.output]
        plan = self.folder / "one.tenon"
        tool.succeed(tenon, "compile", model, "-o", plan, *options, timeout=600)
        self.wanted = tool.run_plan(tenon, plan, feeds, self.outputs, self.folder / "one")

    def check(self, ranks, parallel, transports=("threads",)):
        """One row: relmax and equal bits for each transport. Raises where the bound is exceeded, or where bits differ
        though no reduction is split."""
        plan = self.folder / "ranks.tenon"
        compile_over(self.tenon, self.model, plan, ranks, parallel, self.folder, *self.options)
        listed = ranks_of(self.tenon, plan)
        assert len(listed) == ranks, f"{len(listed)} ranks instead of {ranks}"
        row = {"model": self.name, "ranks": ranks, "plan": parallel, "combines": combines_parts(listed)}
        for transport in transports:
            got = run_over(self.tenon, plan, self.feeds, self.outputs, self.folder / transport, ranks, transport)
            row[transport], row[f"{transport} bits"] = compare(got, self.wanted)
            where = f"{self.name} {ranks} {parallel} over {transport}"
            assert row[transport] <= TOLERANCE, f"{where}: relmax {row[transport]}"
            assert row["combines"] or row[f"{transport} bits"], f"{where}: other bits, though no reduction is split"
        return row
