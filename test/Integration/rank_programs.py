"""Modules of rank functions as text: each rank takes its slice of the input, does a collective, and gives rank 0 what
it got, which rank 0 returns as y0, y1, .."""


def tensor(dims, element):
    """The type of a tensor; extents are numbers or expressions over N."""
    if all(isinstance(d, int) for d in dims):
        return f"tensor<{'x'.join(map(str, [*dims, element]))}>"
    shape = "x".join("?" if isinstance(d, str) else str(d) for d in dims)
    return f"tensor<{shape}x{element}, #graph.shape<[{', '.join(map(str, dims))}]>>"


def listed(values):
    return f"<[{', '.join(map(str, values))}]>"


def starts_of(extents):
    """Where each part starts."""
    starts = [0]
    for extent in extents[:-1]:
        both = [str(v) for v in (starts[-1], extent) if v != 0]
        starts.append(" + ".join(both) if any(isinstance(v, str) for v in (starts[-1], extent)) else
                      starts[-1] + extent)
    return starts


def even_parts(ranks, extent="N"):
    """Parts of an extent of which the first are the larger."""
    return [f"(N + {ranks - 1 - c}) floordiv {ranks}" if c < ranks - 1 else f"N floordiv {ranks}" for c in range(ranks)]


class Collective:
    """`kind` on [N, 6] or, where parts are joined, on parts of it."""

    def __init__(self, kind, reduction="sum", axis=0, extents=None, concat_axis=0, concat_extents=None):
        self.kind, self.reduction, self.axis, self.extents = kind, reduction, axis, extents
        self.concat_axis, self.concat_extents = concat_axis, concat_extents

    def source_dims(self, rank):
        dims = ["N", 6]
        if self.kind == "all_gather":
            dims[self.axis] = self.extents[rank]
        if self.kind == "all_to_all":
            dims[self.concat_axis] = self.concat_extents[rank]
        return dims

    def source_starts(self, rank):
        starts = [0, 0]
        if self.kind == "all_gather":
            starts[self.axis] = starts_of(self.extents)[rank]
        if self.kind == "all_to_all":
            starts[self.concat_axis] = starts_of(self.concat_extents)[rank]
        return starts

    def target_dims(self, rank):
        dims = ["N", 6]
        if self.kind in ("reduce_scatter", "all_to_all"):
            dims[self.axis] = self.extents[rank]
        return dims

    def line(self, rank, ranks, element):
        group = f"group [{', '.join(map(str, range(ranks)))}]"
        types = f": {tensor(self.source_dims(rank), element)} -> {tensor(self.target_dims(rank), element)}"
        parts = f"axis {self.axis} extents {listed(self.extents)}" if self.extents else ""
        if self.kind == "all_reduce":
            return f'graph.all_reduce "{self.reduction}" %part {group} : {tensor(self.source_dims(rank), element)}'
        if self.kind == "all_gather":
            return f"graph.all_gather %part {parts} {group} {types}"
        if self.kind == "reduce_scatter":
            return f'graph.reduce_scatter "{self.reduction}" %part {parts} {group} {types}'
        return (f"graph.all_to_all %part split {self.axis} {listed(self.extents)} "
                f"concat {self.concat_axis} {listed(self.concat_extents)} {group} {types}")


def rank_function(collective, rank, ranks, element):
    x, dims = tensor([ranks, "N", 6], element), collective.source_dims(rank)
    sliced, target = tensor([1, *dims], element), tensor(collective.target_dims(rank), element)
    lines = [f"%slice = graph.slice %x from {listed([rank, *collective.source_starts(rank)])} "
             f"{{steps = array<i64: 1, 1, 1>}} : {x} -> {sliced}",
             f"%part = graph.reshape %slice : {sliced} -> {tensor(dims, element)}",
             f"%y0 = {collective.line(rank, ranks, element)}"]
    outputs = [target]
    if rank > 0:
        lines += [f"graph.send %y0 to 0 : {target}", "return"]
    else:
        for peer in range(1, ranks):
            outputs.append(tensor(collective.target_dims(peer), element))
            lines.append(f"%y{peer} = graph.receive from {peer} : {outputs[-1]}")
        lines.append(f"return {', '.join(f'%y{r}' for r in range(ranks))} : {', '.join(outputs)}")
    named = ", ".join(f'{t} {{graph.name = "y{r}"}}' for r, t in enumerate(outputs))
    results = f" -> ({named})" if rank == 0 else ""
    body = "\n".join("  " + line for line in lines)
    return (f'func.func @rank_{rank}(%x: {x} {{graph.name = "x"}}){results} '
            f"attributes {{graph.rank = {rank} : i64}} {{\n{body}\n}}\n")


def module(collective, ranks, element):
    return "".join(rank_function(collective, rank, ranks, element) for rank in range(ranks))


def busy_module(ranks, size, products):
    """Each rank multiplies x by itself over and over, then all add up what they have. Takes long."""
    x = tensor([size, size], "f32")
    functions = []
    for rank in range(ranks):
        lines = [f"%p{i + 1} = graph.matmul {'%x' if i == 0 else f'%p{i}'}, %x : ({x}, {x}) -> {x}"
                 for i in range(products)]
        lines.append(f'%sum = graph.all_reduce "sum" %p{products} group {list(range(ranks))} : {x}')
        lines.append(f"return %sum : {x}" if rank == 0 else "return")
        results = f' -> ({x} {{graph.name = "y"}})' if rank == 0 else ""
        body = "\n".join("  " + line for line in lines)
        functions.append(f'func.func @rank_{rank}(%x: {x} {{graph.name = "x"}}){results} '
                         f"attributes {{graph.rank = {rank} : i64}} {{\n{body}\n}}\n")
    return "".join(functions)
