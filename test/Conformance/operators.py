"""docs/SupportedOps.md: what the compiler has for each operator. Nothing runs, and no result of a test is asked.

Opsets are those of `tenon check --list-ops`: the importer's table of rules, and the bodies that ONNX defines. Types and
devices are asked of the importer and of the code generators' predicates by `tenon-probe`: the nodes of the ONNX backend
test suite, each with every element type that the operator's schema allows.
"""
import json
import pathlib
import subprocess
import tempfile
import textwrap
import warnings

import onnx
import onnx.backend.test.runner
import onnx.defs
import onnx.printer
import onnx.shape_inference
from onnx import TensorProto, helper

HERE = pathlib.Path(__file__).resolve().parent
_TEMPLATES = 4  # nodes of the suite that are tried for a type
_HEAD = """# Supported operators

Written by `test/Conformance/run.py --update-ops`; do not edit. What the compiler has for each operator, by its own tables:
the opsets of the importer's rules and of the bodies that ONNX defines, and the element types that importer and code
generators take (nodes of the ONNX backend test suite with every type that ONNX allows are checked, as `tenon check` does).
What of the suite passes is in [Conformance.md](Conformance.md).

- *kernel*: code of the compiler's own; *host function*: a function of the runtime, called between kernels; *folded*: there
  is nothing to do at run time.
- *processor*: `--target=cuda` and `--target=vgpu` run it on the processor with copies between, or refuse it by name
  (TN5001, `--host-kernels=refuse`).
- Types stand for the first type parameter of the operator; what ONNX allows and is refused stands behind *not*. Other
  parameters are named where ONNX allows several types.

{lost}
| operator | opsets | types | cpu | cuda, vgpu |
|---|---|---|---|---|
"""
_TYPES = {f"tensor({name.lower()})": number for name, number in TensorProto.DataType.items() if name != "UNDEFINED"}
_NAMES = {number: name.lower() for name, number in TensorProto.DataType.items()}


def _probe(build, target, models):
    """The compiler's answers about models. One that crashes it is an error."""
    found, crashed = [], []
    with tempfile.TemporaryDirectory(prefix="tenon-operators-") as folder:
        paths = [pathlib.Path(folder) / f"{i}.onnx" for i in range(len(models))]
        for path, model in zip(paths, models):
            path.write_bytes(model.SerializeToString())
        while len(found) < len(models):
            rest = "".join(f"{target} {path}\n" for path in paths[len(found):])
            done = subprocess.run([build / "bin" / "tenon-probe"], input=rest, capture_output=True, text=True)
            found += [json.loads(line) for line in done.stdout.splitlines()]
            if len(found) < len(models):
                crashed.append(f"{done.stderr[-1000:]}\n{onnx.printer.to_text(models[len(found)])}")
                found.append({"code": "crash"})
    if crashed:
        raise AssertionError(f"{len(crashed)} models crash the compiler:\n" + "\n".join(crashed))
    return found


def _ask(build, candidates):
    """For each key the first of its models that the compiler takes, and the answer; nothing where there is none."""
    taken = {}
    for i in range(max(map(len, candidates.values()), default=0)):
        keys = [key for key, models in candidates.items() if key not in taken and i < len(models)]
        for key, answer in zip(keys, _probe(build, "cpu", [candidates[key][i] for key in keys])):
            if "code" not in answer:
                taken[key] = (candidates[key][i], answer)
    return taken


def _value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


def _more():
    """Nodes of which the suite has none."""
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, [3])
    output = helper.make_value_info("y", helper.make_optional_type_proto(tensor))
    graph = helper.make_graph([helper.make_node("Optional", [], ["y"], type=tensor)], "g", [], [output])
    yield "", "Optional", helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    x, square, row, f32, u8 = (2, 3, 4), (4, 4), (4,), TensorProto.FLOAT, TensorProto.UINT8
    forms = {"BiasGelu": [x, row], "FastGelu": [x, row], "Gelu": [x], "QuickGelu": [x], "FusedMatMul": [x, square],
             "SkipLayerNormalization": [x, x, row, row], "SkipSimplifiedLayerNormalization": [x, x, row]}
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    for op, shapes in forms.items():
        inputs = [_value(f"x{i}", f32, *shape) for i, shape in enumerate(shapes)]
        node = helper.make_node(op, [i.name for i in inputs], ["y"], domain="com.microsoft")
        yield node.domain, op, helper.make_model(helper.make_graph([node], "g", inputs, [_value("y", f32, *x)]),
                                                 ir_version=10, opset_imports=opsets)
    inputs = [_value("x", f32, 2, 3, 4), _value("w", u8, 1, 4, 20), _value("r", u8, 1, 5, 20)] + \
             [_value(name, kind, 1) for name, kind in (("ws", f32), ("wz", u8), ("rs", f32), ("rz", u8))]
    node = helper.make_node("DynamicQuantizeLSTM", ["x", "w", "r", "", "", "", "", "", "ws", "wz", "rs", "rz"], ["y"],
                            domain="com.microsoft", hidden_size=5)
    yield node.domain, node.op_type, helper.make_model(helper.make_graph([node], "g", inputs, [_value("y", f32, 2, 1, 3, 5)]),
                                          ir_version=10, opset_imports=opsets)


def _templates():
    """Models of one node by (domain, operator); those without one, the smallest with the operator."""
    alone, among = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = [test for kind in ("node", "simple") for test in onnx.backend.test.runner.load_model_tests(kind=kind)]
    for test in tests:
        model = test.model or onnx.load(pathlib.Path(test.model_dir) / "model.onnx")
        nodes = model.graph.node
        if len(nodes) == 1:
            alone.setdefault((nodes[0].domain, nodes[0].op_type), []).append(model)
        for node in nodes:
            among.setdefault((node.domain, node.op_type), []).append(model)
    for domain, op, model in _more():
        alone.setdefault((domain, op), []).append(model)
    for key, models in among.items():
        if key not in alone:
            alone[key] = sorted(models, key=lambda m: len(m.graph.node))[:1]
    return alone


def _parameters(node, model):
    """Type parameters of a node: name -> (positions of inputs, positions of outputs, types ONNX allows)."""
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    if node.op_type == "DynamicQuantizeLSTM":
        return {}
    if node.domain or not onnx.defs.has(node.op_type):
        floats = [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE]
        return {"T": (list(range(len(node.input))), list(range(len(node.output))), floats)}
    schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    found = {}
    for side, formals, names in ((0, schema.inputs, node.input), (1, schema.outputs, node.output)):
        for i, name in enumerate(names):
            formal = formals[min(i, len(formals) - 1)]
            allowed = next((c.allowed_type_strs for c in schema.type_constraints if c.type_param_str == formal.type_str), [])
            allowed = [_TYPES[t] for t in allowed if t in _TYPES]
            if name and allowed:
                found.setdefault(formal.type_str, ([], [], allowed))[side].append(i)
    return found


def _retyped(model, parameter, kind):
    """The model with another element type for a parameter; None where that cannot be stated."""
    inputs, outputs, _ = parameter
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    node = copy.graph.node[0]
    values = {v.name: v for v in list(copy.graph.input) + list(copy.graph.output)}
    names = [node.input[i] for i in inputs] + [node.output[i] for i in outputs]
    if any(name not in values or not values[name].type.HasField("tensor_type") for name in names):
        return None
    for name in names:
        values[name].type.tensor_type.elem_type = kind
    if not inputs:  # the node states the type of its result
        stated = [a for a in node.attribute if a.name in ("to", "dtype", "output_dtype", "output_datatype")]
        if not stated:
            return None
        stated[0].i = kind
    return _with_inferred_outputs(copy)


def _with_inferred_outputs(model):
    """The model with results of the types that follow from its operands."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for output in bare.graph.output:
        output.ClearField("type")
    try:
        inferred = onnx.shape_inference.infer_shapes(bare)
    except onnx.shape_inference.InferenceError:
        return model
    for output, found in zip(model.graph.output, inferred.graph.output):
        if found.type.tensor_type.elem_type and output.type.HasField("tensor_type"):
            output.type.tensor_type.elem_type = found.type.tensor_type.elem_type
    return model


def _kind_of(model, parameter):
    inputs, outputs, _ = parameter
    node = model.graph.node[0]
    name = node.input[inputs[0]] if inputs else node.output[outputs[0]]
    return next((v.type.tensor_type.elem_type for v in list(model.graph.input) + list(model.graph.output)
                 if v.name == name and v.type.HasField("tensor_type")), 0)


def _candidates(models):
    """(parameter, type) -> models that state it, those that the suite has first. ("", 0): models as they are."""
    found = {("", 0): models[:_TEMPLATES]}
    graph = models[0].graph
    if len(graph.node) > 1 or any(a.HasField("g") for a in graph.node[0].attribute) or \
            not all(v.type.HasField("tensor_type") for v in graph.input):
        return found
    kinds = {}
    for model in models:
        for name, kind, order, form in _forms(model):
            kinds.setdefault((name, kind), []).append((order != 0, form))
    for key, forms in kinds.items():
        found[key] = [form for _, form in sorted(forms, key=lambda form: form[0])[:_TEMPLATES]]
    return found


def _forms(model):
    """(parameter, type, order, model) for every type of every parameter: the model as it is comes before one in which the
    parameter, and one in which all parameters of its type, have the other type."""
    parameters = _parameters(model.graph.node[0], model)
    for name, parameter in parameters.items():
        now = _kind_of(model, parameter)
        for kind in parameter[2]:
            if kind == now:
                yield name, kind, 0, model
                continue
            changed = _retyped(model, parameter, kind)
            if changed is None:
                continue
            yield name, kind, 1, changed
            for other in parameters.values():
                if other is not parameter and kind in other[2] and _kind_of(changed, other) == now:
                    changed = _retyped(changed, other, kind) or changed
                    yield name, kind, 2, changed
            for other in parameters.values():
                if kind in other[2]:
                    changed = _retyped(changed, other, kind) or changed
            yield name, kind, 3, changed


def _place(answer, device):
    """What runs the operator."""
    if answer["on_host"] and device != "cpu":
        return "processor"
    return "kernel" if answer["regions"] else "host function" if answer["host_steps"] else "folded"


def _places(found):
    """"kernel; processor: double": what most types have comes first, without them."""
    by_place = {}
    for kind, place in found.items():
        by_place.setdefault(place, []).append(_NAMES[kind] if kind else "")
    places = sorted(by_place.items(), key=lambda entry: -len(entry[1]))
    return "; ".join(place if i == 0 else f"{place}: {' '.join(sorted(names))}" for i, (place, names) in enumerate(places))


def _types(allowed):
    """parameter -> {type: supported} as text."""
    texts = []
    for i, (name, kinds) in enumerate(allowed.items()):  # the first parameter has no name
        if i and len(kinds) == 1:
            continue
        taken = sorted(_NAMES[k] for k, ok in kinds.items() if ok)
        missing = sorted(_NAMES[k] for k, ok in kinds.items() if not ok)
        texts.append((f"{name}: " if i else "") + " ".join(taken) + (" *not* " + " ".join(missing) if missing else ""))
    return "; ".join(texts)


def _row(kinds, cpu_answers, gpu_answers):
    """Types, and what runs the operator on the processor and on a GPU. `kinds`: (parameter, type)."""
    allowed, cpu, cuda = {}, {}, {}
    for name, kind in kinds:
        if name:
            allowed.setdefault(name, {})[kind] = (name, kind) in cpu_answers
        if (name, kind) in cpu_answers and (not name or name == next(iter(allowed))):
            cpu[kind] = _place(cpu_answers[name, kind], "cpu")
            there = gpu_answers[name, kind]
            cuda[kind] = "refused" if "code" in there else _place(there, "cuda")
    if len(cpu) > 1:  # a model as it is says no more than one with a type
        cpu.pop(0, None), cuda.pop(0, None)
    return _types(allowed), _places(cpu) or "refused", _places(cuda) or "refused"


def _lost():
    """What of the tests is lost on the virtual GPU, by the list that `run.py --target=vgpu --update` writes."""
    lost = (HERE / "vgpu-lost.list").read_text().split()
    text = (f"Of the tests of the suite that passed on the CPU when it was last run on the virtual GPU "
            f"(`run.py --target=vgpu --update`), that loses {len(lost)}: " +
            ", ".join(name.removeprefix("test_") for name in lost) + ".")
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False) + "\n"


def write(build):
    """The page, as text."""
    listed = subprocess.run([build / "bin" / "tenon", "check", "--list-ops", "--format=json"], capture_output=True,
                            text=True, check=True)
    rows = json.loads(listed.stdout)["operators"]
    templates = _templates()
    candidates = {(row["domain"], row["name"], *key): models for row in rows
                  if row["opsets"] and (row["domain"], row["name"]) in templates
                  for key, models in _candidates(templates[row["domain"], row["name"]]).items()}
    cpu = _ask(build, candidates)
    gpu = dict(zip(cpu, _probe(build, "cuda", [model for model, _ in cpu.values()])))
    newest = max(last for row in rows for _, last in row["opsets"])
    text = _HEAD.format(lost=_lost())
    for row in rows:
        of = [key for key in candidates if key[:2] == (row["domain"], row["name"])]
        types, on_cpu, on_gpu = _row([key[2:] for key in of], {key[2:]: cpu[key][1] for key in of if key in cpu},
                                     {key[2:]: gpu[key] for key in of if key in gpu})
        name = f"{row['domain']}.{row['name']}" if row["domain"] else row["name"]
        opsets = " ".join(f"{first}-{'' if last == newest else last}" for first, last in row["opsets"])
        text += f"| {name} | {opsets} | {types} | {on_cpu} | {on_gpu} |\n"
    return text


if __name__ == "__main__":
    import sys
    print(write(pathlib.Path(sys.argv[1])))
