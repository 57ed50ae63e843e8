"""Residual blocks of an ONNX graph: found and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.macs import RULES
from core.pruning.residual_blocks import Dataflow, ResidualBlock

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def dataflow(model: ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> Dataflow:
    """Return what is computed from what.

    Args:
        model: Its nodes are in order and its constants are initializers.
        shapes: Of every computed tensor on an example, inputs included.
    """
    sizes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer} | dict(shapes)
    inputs: dict[str, tuple[str, ...]] = dict.fromkeys(sizes.keys() - _made(model), ())
    sums, macs = {}, {}
    fed = set(onnx_files.input_names(model))
    for node in model.graph.node:
        read = tuple(dict.fromkeys(_read(node)))
        inputs |= dict.fromkeys((name for name in node.output if name), read)
        fed |= set(node.output) if fed.intersection(read) else set()
        if node.op_type in RULES and all(name in sizes for name in (*node.input[:2], *node.output[:1])):
            macs[node.output[0]] = RULES[node.op_type](node, sizes)
        plain = node.op_type in ("Add", "Sum") and len(read) == 2 and fed.issuperset(read)
        if plain and {sizes.get(name) for name in read} == {sizes.get(node.output[0])}:
            sums[node.output[0]] = (read[0], read[1])
    return Dataflow(inputs, sums, sizes, macs, tuple(onnx_files.output_names(model)))


def _made(model: ModelProto) -> set[str]:
    return {name for node in model.graph.node for name in node.output}


def _read(node: NodeProto) -> Iterator[str]:
    """Yield what a node reads, in its branches and loops too."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            for inner in graph.node:
                yield from _read(inner)


def remove(model: ModelProto, flow: Dataflow, blocks: Sequence[ResidualBlock]) -> ModelProto:
    """Return a copy of `model` without some blocks and their weights."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph, removed = copy.graph, {block.output: block.stream for block in blocks}
    live = flow.live(removed)
    kept = [node for node in graph.node if live.intersection(node.output) and node.output[0] not in removed]
    for node in kept:
        _rename(node, removed)
    ends = [name for name in flow.ends if name in removed]
    kept += [onnx.helper.make_node("Identity", [_resolved(name, removed)], [name]) for name in ends]
    weights = [tensor for tensor in graph.initializer if tensor.name in live]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)
    onnx_edits.drop_shapes(copy)
    return copy


def _resolved(name: str, removed: Mapping[str, str]) -> str:
    while name in removed:
        name = removed[name]
    return name


def _rename(node: NodeProto, removed: Mapping[str, str]) -> None:
    for at, name in enumerate(node.input):
        node.input[at] = _resolved(name, removed)
    for attribute in node.attribute:
        for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            for inner in graph.node:
                _rename(inner, removed)


def weight_names(model: ModelProto, block: ResidualBlock) -> list[str]:
    """Return the names of the weights that go with a block, or of its nodes where weights have no names."""
    weights = [tensor.name for tensor in model.graph.initializer if tensor.name in block.gone]
    named = [name for name in weights if "." in name and "::" not in name]
    nodes = [node.name for node in model.graph.node if block.gone.intersection(node.output)]
    return named or [name.strip("/").replace("/", ".") for name in nodes if "/" in name]
