"""Compares the symbolic shapes of an imported model with onnx.shape_inference at one size.

usage: compare_shapes.py MODEL.onnx SYMBOL=VALUE...

The model is imported as it is; the expressions of each op's result are evaluated at the given sizes and compared, by node
name, with what onnx infers for the model with those sizes filled in. Prints how many values agree; exits 1 on a mismatch.
"""
import re
import subprocess
import sys

import onnx


def broadcast(a: int, b: int) -> int:
    assert a == b or 1 in (a, b), (a, b)
    return b if a == 1 else a


def location_names(text: str) -> dict[str, str]:
    """Alias of a location -> node name."""
    return {m[1]: m[2] for m in re.finditer(r'^(#loc\d*) = loc\("((?:[^"\\]|\\.)*)"\)$', text, re.M)}


def result_shape(line: str, symbols: dict[str, int]) -> list[int]:
    """The shape of an op's last result type; `symbols` maps printed names to sizes."""
    text = re.search(r"tensor<.*> loc\(#loc\d*\)$", line[line.rindex("tensor<"):])[0]
    encoding = re.search(r"#graph\.shape<\[(.*)\]>", text)
    if not encoding:
        body = re.match(r"tensor<([^>]*)>", text)[1]
        return [int(d) for d in body.split("x")[:-1]]
    source = encoding[1].replace("floordiv", "//")
    for name in sorted(symbols, key=len, reverse=True):
        source = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", str(symbols[name]), source)
    return list(eval(f"[{source}]", {"broadcast": broadcast, "min": min, "max": max}))  # arithmetic we printed


def imported_shapes(path: str, symbols: dict[str, int]) -> dict[str, list[int]]:
    """Node name -> shape of the last op imported for it; not of an op with several results."""
    text = subprocess.run(
        ["tenon-translate", "--onnx-to-graph", "--no-implicit-module", "--mlir-print-debuginfo",
         "--mlir-elide-resource-strings-if-larger=0", "--mlir-elide-elementsattrs-if-larger=8", path],
        check=True, capture_output=True, text=True).stdout
    names = location_names(text)
    shapes = {}
    for line in text.splitlines():
        match = re.match(r"    (%.+) = graph\..* loc\((#loc\d*)\)$", line)
        if not match or match[2] not in names or "graph.constant" in line:
            continue
        if ", " in match[1]:
            shapes.pop(names[match[2]], None)
        else:
            shapes[names[match[2]]] = result_shape(line, symbols)
    return shapes


def inferred_shapes(path: str, symbols: dict[str, int]) -> dict[str, list[int]]:
    """Node name -> shape of its first output, as onnx infers it at these sizes."""
    model = onnx.load(path)
    for value in model.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = symbols[dim.dim_param]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    known = {v.name: v.type.tensor_type.shape.dim for v in list(graph.value_info) + list(graph.output)}
    return {node.name or f"{node.op_type} of {node.output[0]}": [d.dim_value for d in known[node.output[0]]]
            for node in graph.node
            if node.output[0] in known and all(d.HasField("dim_value") for d in known[node.output[0]])}


def main() -> int:
    path, *sizes = sys.argv[1:]
    symbols = {name: int(value) for name, value in (s.rsplit("=", 1) for s in sizes)}
    imported, inferred = imported_shapes(path, symbols), inferred_shapes(path, symbols)
    common = [name for name in imported if name in inferred]
    wrong = [name for name in common if imported[name] != inferred[name]]
    for name in wrong[:10]:
        print(f"{name}: imported {imported[name]}, onnx {inferred[name]}")
    print(f"{len(common) - len(wrong)} of {len(common)} values agree ({len(imported)} imported)")
    return 1 if wrong or not common else 0


if __name__ == "__main__":
    sys.exit(main())
