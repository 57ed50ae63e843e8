"""Activation statistics of ONNX layers: graphs that measure and correct mean and variance as they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.protocols import Array
from core.pruning.onnx.correctable import Layer
from core.pruning.propagation import Tracer

if TYPE_CHECKING:
    from onnx import ModelProto

LEAST, MOST = 0.5, 2.0
"""A channel that hardly moves any more is not blown up beyond this."""


def watched(original: ModelProto, found: list[Layer], tracer: Tracer) -> ModelProto:
    """Return the graph with ``::mean`` and ``::variance`` of each layer's output as its outputs."""
    import onnx

    model = _copy(original)
    for layer in found:
        model.graph.node.extend(_measure(model, layer.output, _axes(layer, tracer)))
        names = (f"{layer.output}::mean", f"{layer.output}::variance")
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return model


def corrected(
    pruned: ModelProto, found: list[Layer], tracer: Tracer, targets: dict[str, tuple[Array, Array]]
) -> ModelProto:
    """Return the graph with the correction behind each layer, its ``::mean`` and ``::scale`` as outputs.

    Args:
        pruned: The graph to correct.
        found: Its layers that can be.
        tracer: Of the graph before pruning.
        targets: By output, mean and spread (channels,) that it had before.
    """
    import onnx

    model = _copy(pruned)
    nodes = list(model.graph.node)
    behind: dict[int, list[Any]] = {}
    for layer in found:
        raw = f"{layer.output}::raw"
        outputs = nodes[layer.node].output
        outputs[list(outputs).index(layer.output)] = raw
        behind[layer.node] = [
            *_measure(model, raw, _axes(layer, tracer)),
            *_correction(model, layer, tracer, *targets[layer.output]),
        ]
        names = (f"{layer.output}::mean", f"{layer.output}::scale")
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    ordered = [each for at, node in enumerate(nodes) for each in (node, *behind.get(at, ()))]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    return model


def _correction(model: ModelProto, layer: Layer, tracer: Tracer, mean: Array, spread: Array) -> list[Any]:
    from onnx import helper, numpy_helper

    name, raw = layer.output, f"{layer.output}::raw"
    shape = [-1 if at == layer.axis else 1 for at in range(len(tracer.shapes[name]))]
    held = {
        "to": mean.reshape(shape),
        "spread": spread.reshape(shape),
        "tiny": np.array(1e-12),
        "least": np.array(LEAST if layer.weight else 1.0),
        "most": np.array(MOST if layer.weight else 1.0),
    }
    for key, array in held.items():
        tensor = numpy_helper.from_array(array.astype(np.float32), f"{name}::{key}")
        model.graph.initializer.append(tensor)
    steps = [
        ("Identity", [f"{raw}::mean"], "mean"),
        ("Add", [f"{raw}::variance", f"{name}::tiny"], "padded"),
        ("Sqrt", [f"{name}::padded"], "now"),
        ("Div", [f"{name}::spread", f"{name}::now"], "ratio"),
        ("Max", [f"{name}::ratio", f"{name}::least"], "floored"),
        ("Min", [f"{name}::floored", f"{name}::most"], "scale"),
        ("Mul", [f"{raw}::centred", f"{name}::scale"], "scaled"),
    ]
    made = [helper.make_node(kind, inputs, [f"{name}::{output}"]) for kind, inputs, output in steps]
    return [*made, helper.make_node("Add", [f"{name}::scaled", f"{name}::to"], [name])]


def _measure(model: ModelProto, name: str, axes: Sequence[int]) -> list[Any]:
    """Return nodes that compute ``name::mean``, ``::centred`` and ``::variance`` of tensor `name`."""
    from onnx import helper, numpy_helper

    operand = f"{name}::axes"
    newer = onnx_files.opset(model) >= 18
    if newer:
        model.graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), operand))

    def reduce(source: str, target: str) -> Any:
        if newer:
            return helper.make_node("ReduceMean", [source, operand], [target])
        return helper.make_node("ReduceMean", [source], [target], axes=list(axes))

    return [
        reduce(name, f"{name}::mean"),
        helper.make_node("Sub", [name, f"{name}::mean"], [f"{name}::centred"]),
        helper.make_node("Mul", [f"{name}::centred", f"{name}::centred"], [f"{name}::squared"]),
        reduce(f"{name}::squared", f"{name}::variance"),
    ]


def _axes(layer: Layer, tracer: Tracer) -> list[int]:
    return [at for at in range(len(tracer.shapes[layer.output])) if at != layer.axis]


def _copy(model: ModelProto) -> ModelProto:
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    return copy
