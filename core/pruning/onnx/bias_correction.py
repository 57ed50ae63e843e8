"""Bias correction and batch-norm re-estimation for pruned ONNX graphs.

What the removed channels used to add is missing downstream. After batch norm's re-estimation in EagleEye
(Li et al. 2020, arXiv 2007.02491), but for every layer with a bias: each output channel gets the mean and
the spread it had in the original on the same samples. The graph measures and corrects itself in one run,
so that each layer is corrected on what the corrected layers before it deliver.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.protocols import Array, Feed
from core.pruning.dependency_groups import Keep
from core.pruning.onnx.correctable import Layer, layers
from core.pruning.onnx.output_statistics import corrected, watched
from core.pruning.onnx.weights import write
from core.pruning.propagation import Tracer

if TYPE_CHECKING:
    from onnx import ModelProto


def reestimate(
    original: ModelProto, pruned: ModelProto, tracer: Tracer, keep: Keep, feed: Feed, work: Path
) -> int:
    """Correct `pruned` in place on the samples of `feed` and return the number of corrected layers.

    Args:
        original: The same graph before pruning, with the same nodes in the same order.
        pruned: Its constants are initializers.
        tracer: Of `original`.
        keep: Which channels stayed.
        feed: Many samples in one batch.
        work: Folder for temporary files.
    """
    found = layers(pruned, tracer)
    if not found:
        return 0
    before = _run(watched(original, found, tracer), feed, work)
    targets = {layer.output: _target(layer, before, tracer, keep) for layer in found}
    after = _run(corrected(pruned, found, tracer, targets), feed, work)
    arrays = {tensor.name: tensor for tensor in pruned.graph.initializer}
    for layer in found:
        mean, scale = (np.ravel(after[f"{layer.output}::{what}"]) for what in ("mean", "scale"))
        _apply(pruned, layer, arrays, mean, scale, targets[layer.output][0])
    return len(found)


def _target(layer: Layer, before: dict[str, Array], tracer: Tracer, keep: Keep) -> tuple[Array, Array]:
    ids = tracer.of(layer.output)[layer.axis]
    stays = slice(None) if ids is None else keep(ids)
    mean, variance = (np.ravel(before[f"{layer.output}::{what}"])[stays] for what in ("mean", "variance"))
    return mean, np.sqrt(np.maximum(variance, 0))


def _run(model: ModelProto, feed: Feed, work: Path) -> dict[str, Array]:
    path = onnx_files.save(model, work / "refresh.onnx")[0]
    opened = onnx_files.session(path)
    return dict(zip(onnx_files.output_names(model), onnx_files.run(opened, feed), strict=True))


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
