"""Structured channel pruning of ONNX files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import PassNotApplicable
from core.examples import example_feed
from core.graphs.onnx import edits as onnx_edits
from core.graphs.onnx import files as onnx_files
from core.graphs.onnx.macs import count_macs
from core.passes.checks import EXAMPLE_BATCH, batches, onnx_outputs
from core.passes.pruning.pruned_network import (
    nothing_to_remove,
    require_importance,
    require_whole,
    samples,
    savings,
)
from core.protocols import LocalArtifact, PassContext
from core.pruning.onnx import bias_correction, tensor_shapes
from core.pruning.onnx import channels as onnx_channels
from core.pruning.onnx import weights as onnx_weights
from core.pruning.propagation import Tracer
from core.pruning.selection import PruningRule

if TYPE_CHECKING:
    from onnx import ModelProto


def prune(
    context: PassContext, artifact: LocalArtifact, rule: PruningRule, reestimate: bool, work: Path
) -> LocalArtifact:
    """Return a smaller graph.

    Raises:
        PassNotApplicable: No channel can be removed.
        PassFailed: The smaller graph does not run as the original does.
    """
    model = prepared(artifact)
    constants = tensor_shapes.constants(model)
    tracer = traced(model, constants, context, work)
    require_importance(tracer, rule)
    before = type(model).FromString(model.SerializeToString())
    keep = onnx_channels.prune(model, tracer, rule)
    if keep is None:
        raise nothing_to_remove(tracer)
    feed = samples(context, tracer) if reestimate else None
    corrected = bias_correction.reestimate(before, model, tracer, keep, feed, work) if feed else 0
    path = context.folder / "model.onnx"
    files = onnx_files.save(model, path)
    for batch in batches(context):
        require_whole(*(onnx_outputs(each, context, batch) for each in (artifact.path, path)))
    details = _savings(before, model, context) | {"corrected": corrected}
    return LocalArtifact("onnx", path, files, dict(artifact.options), details)


def prepared(artifact: LocalArtifact) -> ModelProto:
    """Return the graph with named nodes and its weights as constants.

    Raises:
        PassNotApplicable: It is quantized.
    """
    model = onnx_files.load(artifact.path)
    if kinds := onnx_weights.quantized(model):
        raise PassNotApplicable(
            f"The graph is quantized already ({', '.join(kinds)}): its scales belong to the channels.",
            hint="Prune before quantizing.",
        )
    onnx_edits.drop_weight_inputs(model)
    onnx_edits.name_nodes(model)
    return model


def traced(model: ModelProto, constants: Mapping[str, Any], context: PassContext, work: Path) -> Tracer:
    """Look at two batch sizes, to see which sizes follow the batch."""
    fixed = context.model.fixed_batch
    one, other = (EXAMPLE_BATCH, EXAMPLE_BATCH + 1) if fixed is None else (fixed, fixed)
    feed = example_feed(context.model, one, context.seed)
    shapes, values = tensor_shapes.shapes_and_values(model, feed, work, context.threads)
    later = shapes
    if other != one:
        feed = example_feed(context.model, other, context.seed)
        later, _ = tensor_shapes.shapes_and_values(model, feed, work, context.threads)
    return onnx_channels.trace(model, constants, shapes, values, later)


def _savings(before: ModelProto, after: ModelProto, context: PassContext) -> dict[str, Any]:
    feed, models = example_feed(context.model), (before, after)
    parameters = [onnx_channels.parameters(tensor_shapes.constants(model)) for model in models]
    return savings(parameters, [count_macs(model, feed) for model in models])
