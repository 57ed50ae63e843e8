"""Channel pruning of ONNX files."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import onnx_graphs
from core.errors import PassFailed, PassNotApplicable
from core.examples import example_feed
from core.passes.checks import batches, onnx_outputs, require_finite
from core.protocols import Feed, LocalArtifact, PassContext
from core.pruning import onnx_channels, onnx_refresh, onnx_run, onnx_weights
from core.pruning.choice import Rule, reasons
from core.pruning.tracer import Tracer
from core.sources.onnx_macs import count_macs

if TYPE_CHECKING:
    from onnx import ModelProto

HINT = "Choose a smaller ratio, or quantize instead."
FEWEST_SAMPLES, MOST_SAMPLES = 8, 64
TRACED_BATCH = 2
"""With an example of batch 1, torch.export takes the batch for a constant."""
MOST_ELEMENTS = 64_000_000
"""Of the largest inner tensor on all samples together: 256 MB."""


def prune(
    context: PassContext, artifact: LocalArtifact, rule: Rule, refresh: bool, work: Path
) -> LocalArtifact:
    """Return a smaller graph.

    Raises:
        PassNotApplicable: No channel can be removed.
        PassFailed: The smaller graph does not run as the original does.
    """
    model = _prepared(artifact)
    constants = onnx_run.constants(model)
    tracer = _traced(model, constants, context, work)
    before = type(model).FromString(model.SerializeToString())
    keep = onnx_channels.prune(model, tracer, rule)
    if keep is None:
        raise PassNotApplicable(why(tracer), hint="Quantize it instead.")
    feed = samples(context, tracer) if refresh else None
    corrected = onnx_refresh.refresh(before, model, tracer, keep, feed, work) if feed else 0
    path = context.folder / "model.onnx"
    files = onnx_graphs.save(model, path)
    _check(path, artifact.path, context)
    details = _counts(before, model, context) | {"corrected": corrected}
    return LocalArtifact("onnx", path, files, dict(artifact.options), details)


def _prepared(artifact: LocalArtifact) -> ModelProto:
    model = onnx_graphs.load(artifact.path)
    if kinds := onnx_weights.quantized(model):
        raise PassNotApplicable(
            f"The graph is quantized already ({', '.join(kinds)}): its scales belong to the channels.",
            hint="Prune before quantizing.",
        )
    onnx_graphs.drop_weight_inputs(model)
    onnx_graphs.name_nodes(model)
    return model


def _traced(model: ModelProto, constants: Mapping[str, Any], context: PassContext, work: Path) -> Tracer:
    """Look at two batch sizes, to see which sizes follow the batch."""
    fixed = context.model.fixed_batch
    one, other = (TRACED_BATCH, TRACED_BATCH + 1) if fixed is None else (fixed, fixed)
    feed = example_feed(context.model, one, context.seed)
    shapes, values = onnx_run.shapes_and_values(model, feed, work, context.threads)
    later = shapes
    if other != one:
        feed = example_feed(context.model, other, context.seed)
        later, _ = onnx_run.shapes_and_values(model, feed, work, context.threads)
    return onnx_channels.trace(model, constants, shapes, values, later)


def why(tracer: Tracer) -> str:
    """Return the sentence that says what keeps every channel in place."""
    found = reasons(tracer)
    if not tracer.heavy:
        return "The network has no convolution and no matrix product with constant weights."
    if not found:
        return "Every layer is too narrow to lose a channel at this ratio and rounding."
    return f"No channel can be removed: all are tied by {', '.join(found[:4])}."


def samples(context: PassContext, tracer: Tracer) -> Feed | None:
    """Return calibration samples in one batch, or None where there are too few for statistics."""
    fixed = context.model.fixed_batch
    moving = (shape for name, shape in tracer.shapes.items() if name not in tracer.constants)
    largest = max(int(np.prod(shape)) for shape in moving)
    count = max(FEWEST_SAMPLES, min(MOST_SAMPLES, TRACED_BATCH * MOST_ELEMENTS // max(largest, 1)))
    feeds = list(islice(context.calibration(), count if fixed is None else 1))
    feed = joined(feeds) if feeds else None
    enough = feed is not None and context.model.by_rows and len(next(iter(feed.values()))) >= FEWEST_SAMPLES
    return feed if enough else None


def joined(feeds: list[Feed]) -> Feed | None:
    """Return feeds of batch 1 as one batch, or None where their shapes differ."""
    if any(feed[name].shape != array.shape for feed in feeds for name, array in feeds[0].items()):
        return None
    return {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}


def _check(path: Path, original: Path, context: PassContext) -> None:
    for batch in batches(context):
        before, after = (onnx_outputs(each, context, batch) for each in (original, path))
        if [one.shape for one in before] != [one.shape for one in after]:
            raise PassFailed("The smaller graph returns outputs of another shape.", hint=HINT)
        require_finite(after, before, HINT)


def _counts(before: ModelProto, after: ModelProto, context: PassContext) -> dict[str, Any]:
    feed = example_feed(context.model)
    kept = [onnx_channels.parameters(onnx_run.constants(model)) for model in (before, after)]
    macs = [count_macs(model, feed) for model in (before, after)]
    return {
        "parameters_before": kept[0],
        "parameters": kept[1],
        "macs_before": macs[0],
        "macs": macs[1],
    }
