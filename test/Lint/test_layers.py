"""Dependencies between rooms go one way (docs/Architecture.md): no include against the arrows."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

DIALECTS = {"Interfaces", "GraphIR", "PlanIR"}
BASE = {"Plan", "Support", *DIALECTS}
# For each room, the rooms whose headers it may include besides its own. A test below shows that this has no cycle.
MAY_INCLUDE = {
    "Plan": set(),
    "cuda": set(), # headers that kernels include
    "Runtime": {"Plan", "cuda"},
    "Data": {"Plan", "Runtime"}, # samples from files: tensors, no model
    "Support": {"Plan"},
    # The dialects are one layer: what an interface answers is made of graph attributes.
    "Interfaces": BASE,
    "GraphIR": BASE,
    "PlanIR": BASE,
    "Reference": BASE,
    "Cost": BASE,
    "Partition": {"Plan", "Cost"}, # knows problems, no op
    "Analysis": {"Reference", *BASE},
    "Importer": BASE,
    "Exporter": {"Reference", *BASE},
    # Codegen emits calls by the runtime's kernel ABI, which is one header of plain C.
    "Codegen": {"Reference", "Analysis", "Cost", "Runtime", *BASE},
    # Dispatch formation and the writer of weights ask codegen which regions it takes, and how it packs weights.
    "Transforms": {"Reference", "Analysis", "Cost", "Partition", "Codegen", *BASE},
    "Conversion": {"Reference", "Analysis", "Cost", "Codegen", *BASE},
    "Pipelines": {"Reference", "Analysis", "Cost", "Partition", "Importer", "Transforms", "Conversion", "Codegen", *BASE},
    # Chooses how a model is compressed: compiles, runs and compares it. Its numerics know no IR.
    "Compress": {"Reference", "Cost", "Transforms", "Pipelines", "Runtime", "Importer", "Exporter", "Data",
                 *BASE},
}
ABOVE_ALL = {"CAPI", "tools", "python-bindings", "test"}
NO_COMPILER_LIBRARIES = {"Plan", "Runtime", "Data"}
PROTOBUF_USERS = {"Importer", "Exporter"}


def room_of_file(path):
    parts = path.parts
    if parts[0] == "dialects":
        return {"Graph": "GraphIR", "Plan": "PlanIR", "Interfaces": "Interfaces"}.get(parts[1])
    if parts[0] == "lib" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("include", "tenon") and len(parts) > 3:
        return parts[2]
    if parts[:2] == ("include", "tenon-c"):
        return "CAPI"
    return parts[0] if parts[0] in ABOVE_ALL else None


def room_of_include(name):
    parts = name.split("/")
    if parts[0] == "tenon" and len(parts) > 2:
        return parts[1]
    if parts[0] in ("Graph", "Plan") and parts[1:2] == ["IR"]:
        return parts[0] + "IR"
    return "Interfaces" if parts[0] == "Interfaces" else None


def sources():
    listed = subprocess.run(["git", "ls-files", "*.h", "*.cpp", "*.td"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [pathlib.Path(line) for line in listed.stdout.split() if (ROOT / line).exists()]


def includes(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(r'^\s*#?include\s+[<"]([^>"]+)[>"]', text, re.M)


def test_every_room_is_known():
    unknown = {room_of_file(p) for p in sources()} - set(MAY_INCLUDE) - ABOVE_ALL - {None}
    assert not unknown, f"add these rooms to MAY_INCLUDE, and to docs/Architecture.md: {sorted(unknown)}"


def test_the_arrows_have_no_cycle():
    below = {room: set(targets) - {room} for room, targets in MAY_INCLUDE.items()}
    for room in DIALECTS:
        below[room] -= DIALECTS
    while below:
        lowest = {room for room, targets in below.items() if not targets & set(below)}
        assert lowest, f"a cycle among {sorted(below)}"
        below = {room: targets for room, targets in below.items() if room not in lowest}


def test_includes_follow_the_arrows():
    wrong = []
    for path in sources():
        room = room_of_file(path)
        if room not in MAY_INCLUDE:
            continue
        for name in includes(path):
            target = room_of_include(name)
            if target and target != room and target not in MAY_INCLUDE[room]:
                wrong.append(f"{path}: {room} may not include {name}")
    assert not wrong, "\n".join(wrong)


def test_plan_and_runtime_include_no_compiler_library():
    wrong = [f"{path}: {name}" for path in sources() if room_of_file(path) in NO_COMPILER_LIBRARIES
             for name in includes(path) if re.match(r"(mlir|llvm|lld|onnx|google/protobuf)/", name)]
    assert not wrong, "\n".join(wrong)


def test_only_the_importer_includes_protobuf():
    wrong = [f"{path}: {name}" for path in sources()
             if room_of_file(path) not in PROTOBUF_USERS | {"test"}
             for name in includes(path) if re.match(r"(onnx|google/protobuf)/", name)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name, room", [
    ("tenon/Plan/Container.h", "Plan"), ("Graph/IR/GraphOps.h", "GraphIR"), ("Plan/IR/PlanOps.h", "PlanIR"),
    ("Interfaces/Cost.h", "Interfaces"), ("vector", None), ("mlir/IR/Builders.h", None)])
def test_the_lint_names_rooms(name, room):
    assert room_of_include(name) == room
