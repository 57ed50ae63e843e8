"""Constant folding of `If`: branches that are always taken are inlined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.protocols import Array

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

Observe = Callable[[list[str]], Iterator[list[Array]]]
"""Returns the values of inner tensors in several runs."""

SIZES = frozenset({"Shape", "Size"})


def resolve(model: ModelProto, observe: Observe, by_size: bool) -> int:
    """Take every `If` out of the main graph whose condition follows from constants, and return their number.

    ONNX Runtime does so too, but gives up at the first branch that leaves a rank open, as `squeeze` does in
    exports of scripted networks.

    Args:
        model: Changed in place.
        observe: Tells the conditions; called on `model` as it then is.
        by_size: Whether conditions that follow from sizes count as constant too: right where the sizes are
            fixed, and for a free batch as far as the runs of `observe` differ in it.
    """
    count = 0
    while known := _known(model, observe, by_size):
        for output, taken in known.items():
            _inline(model.graph, output, taken, f"branch{count}/")
            count += 1
    if count:
        onnx_edits.drop_shapes(model)
        _drop_unused(model.graph)
    return count


def _drop_unused(graph: GraphProto) -> None:
    """Drop what led to conditions only."""
    used = {value.name for value in graph.output}
    for index in reversed(range(len(graph.node))):
        if used.isdisjoint(graph.node[index].output):
            del graph.node[index]
        else:
            used |= _reads(graph.node[index])
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in used:
            del graph.initializer[index]


def open_branches(model: ModelProto) -> int:
    """Return how many `If` are left in the main graph."""
    return sum(node.op_type == "If" for node in model.graph.node)


def _known(model: ModelProto, observe: Observe, by_size: bool) -> dict[str, bool]:
    """Return, by the first output of each `If` with a constant condition, whether it holds."""
    moving = _moving(model.graph, onnx_files.input_names(model), by_size)
    found = [node for node in model.graph.node if node.op_type == "If" and node.input[0] not in moving]
    if not found:
        return {}
    runs = list(observe([node.input[0] for node in found]))
    return {
        node.output[0]: bool(values[0].reshape(()))
        for node, values in zip(found, zip(*runs, strict=True), strict=True)
        if all(_same(values[0], value) for value in values)
    }


def _same(one: Array, other: Array) -> bool:
    """Whether two conditions are the same single value."""
    return one.size == other.size == 1 and bool(one.reshape(()) == other.reshape(()))


def _moving(graph: GraphProto, inputs: Iterable[str], by_size: bool) -> set[str]:
    """Return the tensors that depend on what is fed; on its values alone with `by_size`."""
    moving = set(inputs)
    for node in graph.node:
        if by_size and node.op_type in SIZES:
            continue
        if not moving.isdisjoint(_reads(node)) or node.op_type.startswith(("Random", "Multinomial")):
            moving.update(node.output)
    return moving


def _reads(node: NodeProto) -> set[str]:
    """Return the tensors that a node reads, those that its branches take from outside among them."""
    found = set(node.input)
    for attribute in node.attribute:
        for graph in onnx_files.graphs(attribute.g) if attribute.HasField("g") else ():
            found.update(value.name for value in graph.output)
            found.update(name for inner in graph.node for name in inner.input)
    return found


def _inline(graph: GraphProto, output: str, taken: bool, prefix: str) -> None:
    """Put the branch that is `taken` in place of the `If` whose first output is `output`."""
    from onnx import helper

    place, node = next((i, one) for i, one in enumerate(graph.node) if output in one.output)
    name = "then_branch" if taken else "else_branch"
    branch = next(attribute.g for attribute in node.attribute if attribute.name == name)
    own = {tensor.name for tensor in branch.initializer} | {
        each for one in branch.node for each in one.output if each
    }
    renamed = {each: prefix + each for each in own}
    ends = zip((value.name for value in branch.output), node.output, strict=True)
    copies = [helper.make_node("Identity", [renamed.get(end, end)], [out]) for end, out in ends if out]
    body = [*branch.node]
    rename(branch, renamed)
    for one in body:
        one.name = prefix + one.name if one.name else ""
    graph.initializer.extend(branch.initializer)
    rest = [*graph.node[:place], *body, *copies, *graph.node[place + 1 :]]
    kept = [_copy(one) for one in rest]
    del graph.node[:]
    graph.node.extend(kept)


def _copy(node: NodeProto) -> NodeProto:
    from onnx import NodeProto

    copied = NodeProto()
    copied.CopyFrom(node)
    return copied


def rename(graph: GraphProto, names: dict[str, str]) -> None:
    """Rename tensors in a graph and in the graphs inside it, wherever they are read or written."""
    for inner in onnx_files.graphs(graph):
        for tensor in inner.initializer:
            tensor.name = names.get(tensor.name, tensor.name)
        for value in inner.output:
            value.name = names.get(value.name, value.name)
        for node in inner.node:
            _replace(node.input, names)
            _replace(node.output, names)


def _replace(held: Sequence[str], names: dict[str, str]) -> None:
    for index, name in enumerate(held):
        if name in names:
            held[index] = names[name]  # type: ignore[index]
