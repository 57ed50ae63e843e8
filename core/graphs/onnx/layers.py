"""Layers of an ONNX graph with their modules, shapes, weights and MACs."""

from __future__ import annotations

import ast
from collections import ChainMap
from math import prod
from typing import TYPE_CHECKING

from core.domain.structure import MOST_LAYERS, Layer, Structure
from core.graphs.onnx.macs import HIDING, RULES, Shapes, shapes_of
from core.protocols import Feed

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

SCOPES = "pkg.torch.onnx.name_scopes"
"""Metadata in which PyTorch's exporter lists the dotted names of a node's modules, the node's own last."""
LONGEST_SCOPES, DEEPEST, MOST_INPUTS = 4000, 12, 64
Names = ChainMap[str, int]


def layers_of(model: ModelProto, feed: Feed, runnable: bool = True) -> Structure:
    """Return the layers of the main graph and of the graphs inside its nodes; constants are no layers.

    Args:
        model: Left as it is.
        feed: Inputs at the example shape and batch 1.
        runnable: Whether `model` holds all its weights, so that shapes which inference does not find can be
            looked at by running it.
    """
    wanted = {name for node in model.graph.node[:MOST_LAYERS] for name in node.output[:1] if name}
    reader = _Reader(shapes_of(model, feed, wanted, runnable))
    reader.read(model.graph, (), ChainMap(), ChainMap())
    return Structure(tuple(reader.layers), reader.left_out)


class _Reader:
    """Walks a graph and those inside its nodes.

    Args:
        shapes: Of tensors by name.
    """

    def __init__(self, shapes: Shapes) -> None:
        self.layers: list[Layer] = []
        self.left_out = 0
        self._shapes = shapes

    def read(self, graph: GraphProto, around: tuple[str, ...], made_by: Names, weights: Names) -> None:
        """Read `graph`, which sees what the graphs around it name.

        Args:
            graph: In the order of its nodes.
            around: Modules of the node that it belongs to, and that node.
            made_by: Position of the layer that gives a tensor.
            weights: Number of weights of a constant, 0 once a layer was found that reads it.
        """
        made_by, weights = made_by.new_child(), weights.new_child()
        weights.update({tensor.name: _size(tensor) for tensor in graph.initializer})
        for node in graph.node:
            if node.op_type == "Constant":
                tensors = [each.t for each in node.attribute if each.name == "value"]
                weights.update({name: sum(map(_size, tensors)) for name in node.output})
            elif len(self.layers) < MOST_LAYERS:
                self._add(node, around, made_by, weights)
            else:
                self.left_out += 1

    def _add(self, node: NodeProto, around: tuple[str, ...], made_by: Names, weights: Names) -> None:
        inputs = tuple(dict.fromkeys(made_by[name] for name in node.input if name in made_by))
        inside = _module(node, [name for name in node.input if name in weights])
        if inside is None:
            inside = self.layers[inputs[0]].module[len(around) : -1] if inputs else ()
        module = (*around, *inside)[:DEEPEST]
        shape = self._shapes.get(node.output[0]) if node.output else None
        taken = sum(_take(weights, name) for name in node.input)
        macs = _macs(node, self._shapes)
        made = Layer(node.name, node.op_type, module, shape, taken, macs, inputs[:MOST_INPUTS])
        position = len(self.layers)
        self.layers.append(made)
        made_by.update(dict.fromkeys(filter(None, node.output), position))
        for attribute in node.attribute:
            for inner in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
                name = f"{node.name or node.op_type} · {attribute.name}"
                self.read(inner, (*module, name), made_by, weights)


def _size(tensor: TensorProto) -> int:
    """Return how many weights a constant holds; shapes, indices and scalars are none."""
    size = prod(tensor.dims)
    others = (tensor.INT64, tensor.INT32, tensor.BOOL, tensor.STRING)
    return 0 if tensor.data_type in others or size < 2 else size


def _take(weights: Names, name: str) -> int:
    """Return the weights of a constant, and 0 to whoever asks next."""
    for known in weights.maps:
        if name in known:
            size, known[name] = known[name], 0
            return size
    return 0


def _macs(node: NodeProto, shapes: Shapes) -> int | None:
    if node.op_type in HIDING:
        return None
    if node.op_type not in RULES:
        return 0
    try:
        return RULES[node.op_type](node, shapes)
    except (KeyError, IndexError):
        return None


def _module(node: NodeProto, weights: list[str]) -> tuple[str, ...] | None:
    """Return the modules that a node says it lies in, or its weights; None where nothing tells."""
    found = next((each.value for each in node.metadata_props if each.key == SCOPES), "")
    scopes = _listed(found[:LONGEST_SCOPES])
    if scopes:
        return _relative(scopes[:-1])
    if "/" in node.name.strip("/"):
        return _relative(node.name.strip("/").split("/")[:-1])
    dotted = next((name for name in weights if "." in name.strip(".")), None)
    return tuple(filter(None, dotted.split(".")[:-1])) if dotted else None


def _listed(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    return [str(each) for each in found] if isinstance(found, list) else []


def _relative(scopes: list[str]) -> tuple[str, ...]:
    """Return names such as ``layer1, layer1.0, layer1.0.conv1`` without what the one before says already."""
    names, before = [], ""
    for scope in filter(None, scopes):
        names.append(scope.removeprefix(f"{before}."))
        before = scope
    return tuple(names)
