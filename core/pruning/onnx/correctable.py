"""Layers of an ONNX graph that bias correction can change: weights or a bias that nobody else uses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.protocols import Array
from core.pruning.onnx.operands import attributes
from core.pruning.propagation import Tracer

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


@dataclass(frozen=True)
class Layer:
    """A node whose output can be shifted, and where `weight` is named also scaled.

    Attributes:
        node: Position in the graph.
        output: Tensor whose channels are corrected.
        axis: Of the channels.
        weight: Constant to scale, empty where none may be.
        weight_axis: Axis of its output channels.
        bias: Constant to shift, empty where one must be added.
    """

    node: int
    output: str
    axis: int
    weight: str
    weight_axis: int
    bias: str


def layers(model: ModelProto, tracer: Tracer) -> list[Layer]:
    """Return the layers of the main graph that can be corrected."""
    uses = Counter(name for node in onnx_files.nodes(model) for name in node.input)
    norms = {node.input[0] for node in model.graph.node if node.op_type == "BatchNormalization"}
    found = []
    for at, node in enumerate(model.graph.node):
        layer = _layer(at, node, tracer)
        if layer is None or (layer.output in norms and uses[layer.output] == 1):
            continue
        if all(uses[name] == 1 for name in (layer.weight, layer.bias) if name):
            found.append(layer)
    return found


def _layer(at: int, node: NodeProto, tracer: Tracer) -> Layer | None:
    given, kind = attributes(node), node.op_type
    rank = len(tracer.shapes.get(node.output[0], ())) if node.output else 0
    names = [*node.input, "", "", ""]
    if kind == "Add" and rank > 1:
        return _shift(at, node, tracer, rank)
    plain = given.get("alpha", 1) == given.get("beta", 1) == 1 and not given.get("transA")
    fits = (kind in ("Conv", "BatchNormalization") and rank > 2) or (kind == "Gemm" and plain)
    if not fits or len(node.output) != 1 or names[1] not in tracer.constants:
        return None
    weight_axis = 1 if kind == "Gemm" and not given.get("transB") else 0
    return _checked(Layer(at, node.output[0], 1, names[1], weight_axis, names[2]), tracer.constants)


def _shift(at: int, node: NodeProto, tracer: Tracer, rank: int) -> Layer | None:
    """The bias behind a product."""
    held, width = tracer.constants, tracer.shapes[node.output[0]][-1]
    bias = next((name for name in node.input if name in held and held[name].shape == (width,)), "")
    return _checked(Layer(at, node.output[0], rank - 1, "", 0, bias), held) if bias else None


def _checked(layer: Layer, constants: dict[str, Array]) -> Layer | None:
    names = [name for name in (layer.weight, layer.bias) if name]
    if any(name not in constants or constants[name].dtype != np.float32 for name in names):
        return None
    return None if layer.bias and constants[layer.bias].ndim != 1 else layer
