"""Give the layers of a pruned ONNX graph the output statistics that they had before.

What the removed channels used to add is missing downstream. After batch norm's re-estimation in EagleEye
(Li et al. 2020, arXiv 2007.02491), but for every layer with a bias: each output channel gets the mean and
the spread it had in the original on the same samples. The graph measures and corrects itself in one run,
so that each layer is corrected on what the corrected layers before it deliver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import onnx_graphs
from core.protocols import Array, Feed
from core.pruning.onnx_view import attributes
from core.pruning.onnx_weights import write
from core.pruning.tracer import Keep, Tracer

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

LEAST, MOST = 0.5, 2.0
"""A channel that hardly moves any more is not blown up beyond this."""


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


def refresh(
    original: ModelProto, pruned: ModelProto, tracer: Tracer, keep: Keep, feed: Feed, work: Path
) -> int:
    """Correct `pruned` in place on the samples of `feed` and return the number of corrected layers.

    Args:
        original: The same graph before pruning, with the same nodes in the same order.
        pruned: Its constants are initializers.
        tracer: Of `original`.
        keep: Which atoms stayed.
        feed: Many samples in one batch.
        work: Folder for temporary files.
    """
    found = layers(pruned, tracer)
    if not found:
        return 0
    before = _run(_watched(original, found, tracer), feed, work)
    targets = {layer.output: _target(layer, before, tracer, keep) for layer in found}
    after = _run(_corrected(pruned, found, tracer, targets), feed, work)
    arrays = {tensor.name: tensor for tensor in pruned.graph.initializer}
    for layer in found:
        mean, scale = (np.ravel(after[f"{layer.output}::{what}"]) for what in ("mean", "scale"))
        _apply(pruned, layer, arrays, mean, scale, targets[layer.output][0])
    return len(found)


def layers(model: ModelProto, tracer: Tracer) -> list[Layer]:
    """Return the layers of the main graph that can be corrected."""
    uses = Counter(name for node in onnx_graphs.nodes(model) for name in node.input)
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


def _target(layer: Layer, before: dict[str, Array], tracer: Tracer, keep: Keep) -> tuple[Array, Array]:
    atoms = tracer.of(layer.output)[layer.axis]
    stays = slice(None) if atoms is None else keep(atoms)
    mean, variance = (np.ravel(before[f"{layer.output}::{what}"])[stays] for what in ("mean", "variance"))
    return mean, np.sqrt(np.maximum(variance, 0))


def _copy(model: ModelProto) -> ModelProto:
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    return copy


def _measure(model: ModelProto, name: str, axes: Sequence[int]) -> list[Any]:
    """Return nodes that compute ``name::mean``, ``::centred`` and ``::variance`` of tensor `name`."""
    from onnx import helper, numpy_helper

    operand = f"{name}::axes"
    newer = onnx_graphs.opset(model) >= 18
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


def _watched(original: ModelProto, found: list[Layer], tracer: Tracer) -> ModelProto:
    import onnx

    model = _copy(original)
    for layer in found:
        model.graph.node.extend(_measure(model, layer.output, _axes(layer, tracer)))
        names = (f"{layer.output}::mean", f"{layer.output}::variance")
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return model


def _corrected(
    pruned: ModelProto, found: list[Layer], tracer: Tracer, targets: dict[str, tuple[Array, Array]]
) -> ModelProto:
    """Return the graph with the correction behind each layer, computed as it runs."""
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


def _run(model: ModelProto, feed: Feed, work: Path) -> dict[str, Array]:
    path = onnx_graphs.save(model, work / "refresh.onnx")[0]
    opened = onnx_graphs.session(path)
    return dict(zip(onnx_graphs.output_names(model), onnx_graphs.run(opened, feed), strict=True))


def _apply(
    model: ModelProto, layer: Layer, arrays: dict[str, Any], mean: Array, scale: Array, wanted: Array
) -> None:
    """Fold output = (raw - mean) * scale + wanted into weight and bias."""
    from onnx import numpy_helper

    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        return None
    if layer.weight:
        weight = numpy_helper.to_array(arrays[layer.weight])
        shape = [-1 if at == layer.weight_axis else 1 for at in range(weight.ndim)]
        write(arrays[layer.weight], weight * scale.reshape(shape))
    old = numpy_helper.to_array(arrays[layer.bias]) if layer.bias else np.float32(0)
    bias = ((old - mean) * (scale if layer.weight else 1) + wanted).astype(np.float32)
    if layer.bias:
        return write(arrays[layer.bias], bias)
    name = f"{layer.output}_bias"
    model.graph.initializer.append(numpy_helper.from_array(bias, name))
    node = model.graph.node[layer.node]
    del node.input[2:]
    node.input.append(name)
    return None
