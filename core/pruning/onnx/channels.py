"""Structured channel pruning of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.protocols import Array
from core.pruning import selection
from core.pruning.dependency_groups import Keep
from core.pruning.onnx import operands, rules
from core.pruning.onnx import weights as onnx_weights
from core.pruning.propagation import Tracer

if TYPE_CHECKING:
    from onnx import ModelProto


def trace(
    model: ModelProto,
    constants: Mapping[str, Array],
    shapes: Mapping[str, Sequence[int]],
    values: Mapping[str, Array],
    other_shapes: Mapping[str, Sequence[int]],
) -> Tracer:
    """Return which channels of `model` belong together.

    Args:
        model: Its nodes are in order and its constants are initializers.
        constants: Values of the initializers.
        shapes: Shape of every computed tensor on an example.
        values: Values of small integer tensors on it.
        other_shapes: Shapes at another batch size, to see which sizes depend on the batch.
    """
    tracer = Tracer(constants, shapes)
    graph = operands.OnnxGraph(model, tracer, {**constants, **values}, other_shapes)
    for node in model.graph.node:
        rules.follow(graph, node)
    tracer.freeze(onnx_files.output_names(model), "the network's output")
    tracer.freeze(set(onnx_files.input_names(model)), "the network's input")
    return tracer


def prune(model: ModelProto, tracer: Tracer, rule: selection.PruningRule) -> Keep | None:
    """Remove channels from `model` in place.

    Returns:
        Which channels stay, or None where there was nothing to remove.
    """

    def write(smaller: dict[str, Array]) -> None:
        for tensor in model.graph.initializer:
            if tensor.name in smaller:
                onnx_weights.write(tensor, np.ascontiguousarray(smaller[tensor.name]))

    keep = selection.prune(tracer, rule, write)
    onnx_edits.drop_shapes(model)
    return keep


def parameters(constants: Mapping[str, Any]) -> int:
    """Return the number of float values in `constants`."""
    return sum(int(array.size) for array in constants.values() if array.dtype.kind == "f")
