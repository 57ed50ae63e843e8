"""Channel dependencies of ATen shape operators: reshape, permute, slice, cat."""

from __future__ import annotations

import numpy as np

from core.pruning.dependency_groups import Keep
from core.pruning.torch.operands import SPLITS, ExportedGraph, Node, argument, key, kind, replace


def same(graph: ExportedGraph, node: Node) -> None:
    """Each position comes from the one at its place."""
    graph.tracer.same(key(node.args[0]), key(node))


def reshape(graph: ExportedGraph, node: Node) -> None:
    """The target shape is stated anew where channels went."""
    tracer, source, target = graph.tracer, node.args[0], key(node)
    tracer.reshaped(key(source), target)
    name = {"view": "size", "_unsafe_view": "size", "reshape": "shape", "unflatten": "sizes"}.get(kind(node))
    if name is None or not tracer.moves(target):
        return
    wanted = list(argument(node, name))
    first = int(argument(node, "dim", 0)) % graph.rank(source) if kind(node) == "unflatten" else 0

    def edit(keep: Keep) -> None:
        sizes, axes = tracer.sizes(target, keep), tracer.of(target)
        ints = [axes[first + at] is not None for at in range(len(wanted))]
        replace(node, name, [sizes[first + at] if ints[at] else old for at, old in enumerate(wanted)])

    tracer.edits.append(edit)


def permute(graph: ExportedGraph, node: Node) -> None:
    """Reorders axes."""
    source, rank = node.args[0], graph.rank(node.args[0])
    order = list(range(rank))
    if kind(node) == "permute":
        order = [int(axis) % rank for axis in argument(node, "dims")]
    elif rank > 1:
        axes = (0, 1) if kind(node) in ("t", "numpy_T") else node.args[1:3]
        one, other = (int(axis) % rank for axis in axes)
        order[one], order[other] = order[other], order[one]
    graph.tracer.transposed(key(source), key(node), order)


def cat(graph: ExportedGraph, node: Node) -> None:
    """Lays channels side by side."""
    names = [key(each) for each in node.args[0]]
    graph.tracer.concatenated(names, key(node), int(argument(node, "dim", 0)))


def split(graph: ExportedGraph, node: Node) -> None:
    """The parts are taken by the nodes behind; their number stays, their sizes are stated anew."""
    tracer, source = graph.tracer, node.args[0]
    axis = int(argument(node, "dim", 0)) % graph.rank(source)
    ids = tracer.of(key(source))[axis]
    if ids is None:
        return
    ends = np.cumsum([shape[axis] for shape in graph.parts[key(node)]])[:-1]

    def edit(keep: Keep) -> None:
        import torch

        sizes = [int(part.sum()) for part in np.split(keep(ids), ends)]
        node.target = torch.ops.aten.split_with_sizes.default
        node.args, node.kwargs = (source, sizes, axis), {}

    tracer.edits.append(edit)


def part(graph: ExportedGraph, node: Node) -> None:
    """One of several answers of a node."""
    tracer, (whole, number) = graph.tracer, node.args
    name = kind(whole)
    if name in SPLITS:
        source = whole.args[0]
        axis = int(argument(whole, "dim", 0)) % graph.rank(source)
        sizes = [shape[axis] for shape in graph.parts[key(whole)]]
        start = sum(sizes[:number])
        tracer.taken(key(source), key(node), axis, np.arange(start, start + sizes[number]))
    elif name == "unbind":
        axis = int(argument(whole, "dim", 0)) % graph.rank(whole.args[0])
        tracer.taken(key(whole.args[0]), key(node), axis, np.array(0))
    elif number == 0 and key(whole) in tracer.axes:
        tracer.axes[key(node)] = tracer.of(key(whole))
    else:
        tracer.unknown([key(whole)], [key(node)], name)


def slice(graph: ExportedGraph, node: Node) -> None:
    """Start and end are stated anew."""
    tracer, source = graph.tracer, key(node.args[0])
    axis = int(argument(node, "dim", 0)) % graph.rank(node.args[0])
    start, end, step = argument(node, "start", 0), argument(node, "end", 2**62), argument(node, "step", 1)
    ids = tracer.of(source)[axis]
    if ids is None:
        tracer.axes[key(node)] = tracer.of(source)
        return
    if step != 1 or not isinstance(start, int) or not isinstance(end, int):
        tracer.unknown([source], [key(node)], "a slice with a step")
        return
    positions = np.arange(len(ids))[start:end]
    tracer.taken(source, key(node), axis, positions)
    first = int(positions[0]) if positions.size else 0

    def edit(keep: Keep) -> None:
        stays = keep(ids)
        node.args = (
            node.args[0], axis, int(stays[:first].sum()), int(stays[: first + positions.size].sum()), 1
        )  # fmt: skip
        node.kwargs = {}

    tracer.edits.append(edit)


def select(graph: ExportedGraph, node: Node) -> None:
    """Takes one position and drops the axis."""
    axis = int(argument(node, "dim")) % graph.rank(node.args[0])
    graph.tracer.taken(key(node.args[0]), key(node), axis, np.array(0))


def pad(graph: ExportedGraph, node: Node) -> None:
    """Shortcuts of some residual networks pad channels with zeros; amounts come from the last axis on."""
    tracer, source, rank = graph.tracer, key(node.args[0]), graph.rank(node.args[0])
    amounts = list(argument(node, "pad"))
    plain = (
        all(isinstance(each, int) for each in amounts) and argument(node, "mode", "constant") == "constant"
    )
    if not plain or tracer.shapes[source][1:2] == tracer.shapes[key(node)][1:2]:
        return tracer.same(source, key(node))
    full = amounts + [0] * (2 * rank - len(amounts))
    fronts, backs = full[::2][::-1], full[1::2][::-1]
    padded = tracer.padded(source, key(node), fronts, backs)

    def edit(keep: Keep) -> None:
        new = list(full)
        for axis, ids in enumerate(padded):
            if ids is not None:
                at = 2 * (rank - 1 - axis)
                new[at] = int(keep(ids[: fronts[axis]]).sum())
                new[at + 1] = int(keep(ids[len(ids) - backs[axis] :]).sum())
        replace(node, "pad", new[: len(amounts)])

    tracer.edits.append(edit)
    return None


def expand(graph: ExportedGraph, node: Node) -> None:
    """Copies along axes of size 1, which are no channels."""
    tracer, source, target = graph.tracer, key(node.args[0]), key(node)
    if tracer.moves(source):
        return tracer.unknown([source], [target], "an expansion")
    tracer.axes[target] = (None,) * len(tracer.shapes[target])
    return None


def nothing(graph: ExportedGraph, node: Node) -> None:
    """What is known is said where the parts are taken."""
