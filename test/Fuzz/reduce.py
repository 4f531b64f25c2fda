"""Shrinks a graph that fails: fewer outputs, fewer nodes, fixed extents, while it fails in the same way."""
import onnx
import onnx.printer

import check
import generate
import isolate
from oracle import reads_of


def _outcome(graph, args):
    """(outcome, reason) of one graph, in a child."""
    translate = str(args.build.resolve() / "bin" / "tenon-translate") if args.export else None
    for _, kind, answer, _ in isolate.run([graph], lambda item, stage: check.check(item, stage, args.target, translate), 1,
                                             args.limit):
        return (answer.outcome, answer.reason) if kind == "done" else (kind, answer)


def _without(graph, node):
    """`graph` without `node`: what others read of it becomes an input, with the contents that it had."""
    nodes = [other for other in graph.nodes if other is not node]
    outputs = [name for name in graph.outputs if name not in node.output]
    return _trimmed(graph._replace(nodes=nodes, outputs=outputs))


def _trimmed(graph):
    """Without nodes that lead to no output."""
    needed, nodes = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if needed & set(node.output):
            nodes.insert(0, node)
            needed |= reads_of(node)
    made = {name for node in nodes for name in node.output}
    read = {name for node in nodes for name in reads_of(node)} & set(graph.values)
    inputs = [name for name in graph.values if name in read and name not in made and graph.values[name].kind != "constant"]
    return graph._replace(nodes=nodes, inputs=inputs, outputs=[name for name in graph.outputs if name in made])


def _candidates(graph):
    """Smaller graphs, the smallest first."""
    for name in graph.outputs:
        if len(graph.outputs) > 1:
            yield _trimmed(graph._replace(outputs=[name]))
    made = [name for node in graph.nodes for name in node.output if name]
    for name in made[:-1]:  # everything up to a value, if that is wrong already
        if graph.outputs != [name]:
            yield _trimmed(graph._replace(outputs=[name]))
    for node in graph.nodes:
        if len(graph.nodes) > 1:
            yield _without(graph, node)
    if graph.symbols:
        yield graph._replace(symbols={})
        for extent in graph.symbols:
            yield graph._replace(symbols={e: name for e, name in graph.symbols.items() if e != extent})


def reduce(graph, same):
    """The smallest graph found for which same(graph)."""
    steps, found = 0, True
    while found and steps < 400:
        found = False
        for candidate in _candidates(graph):
            size = len(candidate.nodes), len(candidate.outputs), len(candidate.symbols)
            if not candidate.outputs or size >= (len(graph.nodes), len(graph.outputs), len(graph.symbols)):
                continue
            steps += 1
            if same(candidate):
                graph, found = candidate, True
                break
    return graph


def _graph_of(seed, args):
    for _, kind, answer, _ in isolate.run([seed], lambda item, stage: generate.make_graph(
            item, set(args.only.split(",")) - {""}), 1, args.limit):
        return answer if kind == "done" else None


def report(seed, result, args):
    """Prints the failure of `seed`, shrunk, and saves it where args.save says."""
    graph = _graph_of(seed, args)
    if graph is None:
        return
    if args.reduce:
        code = result.reason.split()[0]

        def same(candidate):
            outcome, reason = _outcome(candidate, args)
            return outcome == result.outcome and (outcome == "wrong" or reason.split()[:1] == [code])
        graph = reduce(graph, same)
    model = generate.to_model(graph)
    print(f"\n== seed {seed}: {_outcome(graph, args)}\n{onnx.printer.to_text(model)}")
    for name, array in generate.feeds_of(graph, model).items():
        print(f"   {name} = {array.reshape(-1)[:12].tolist()}{' ..' if array.size > 12 else ''}  {list(array.shape)}")
    if args.save:
        import numpy as np
        args.save.mkdir(parents=True, exist_ok=True)
        onnx.save(model, args.save / f"seed_{seed}.onnx")
        np.savez(args.save / f"seed_{seed}.npz", **generate.feeds_of(graph, model))
