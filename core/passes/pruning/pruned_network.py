"""Shared by channel pruning on ONNX and PyTorch: samples for re-estimation, checks of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from core.errors import PassFailed, PassNotApplicable
from core.passes.checks import EXAMPLE_BATCH, require_finite
from core.protocols import Array, Feed, PassContext
from core.pruning.propagation import Tracer
from core.pruning.selection import PruningRule, reasons

HINT = "Choose a smaller ratio, or quantize instead."
FEWEST_SAMPLES, MOST_SAMPLES = 8, 64
RATED_BATCH, RATED_BATCHES = 16, 16
MOST_ELEMENTS = 64_000_000
"""Of the largest inner tensor on all samples together: 256 MB."""


def nothing_to_remove(tracer: Tracer) -> PassNotApplicable:
    """Return the error that says what keeps every channel in place."""
    return PassNotApplicable(_why(tracer), hint="Quantize it instead.", instead="int8_static_ort")


def _why(tracer: Tracer) -> str:
    found = reasons(tracer)
    if not tracer.layer_weights:
        return "The network has no convolution and no matrix product with constant weights."
    if not found:
        return "Every layer is too narrow to lose a channel at this ratio and rounding."
    return f"No channel can be removed: all are tied by {', '.join(found[:4])}."


def samples(context: PassContext, tracer: Tracer) -> Feed | None:
    """Return calibration samples in one batch, or None where there are too few for statistics."""
    fixed = context.model.fixed_batch
    moving = (shape for name, shape in tracer.shapes.items() if name not in tracer.constants)
    largest = max(int(np.prod(shape)) for shape in moving)
    count = max(FEWEST_SAMPLES, min(MOST_SAMPLES, EXAMPLE_BATCH * MOST_ELEMENTS // max(largest, 1)))
    feeds = list(islice(context.calibration(), count if fixed is None else 1))
    feed = _joined(feeds) if feeds else None
    enough = feed is not None and context.model.by_rows and len(next(iter(feed.values()))) >= FEWEST_SAMPLES
    return feed if enough else None


def rated_rows(context: PassContext) -> Iterator[tuple[Feed, Array | None]]:
    """Yield a few batches to rate weights by: rows to search with and their labels, else calibration rows."""
    if context.search is not None:
        yield from islice(context.search.batches(RATED_BATCH, context.seed), RATED_BATCHES)
        return
    feeds = iter(context.calibration())
    whole = context.model.by_rows and context.model.fixed_batch is None
    for _ in range(RATED_BATCHES):
        some = list(islice(feeds, RATED_BATCH if whole else 1))
        joined = _joined(some) if some else None
        yield from [(joined, None)] if joined else [(feed, None) for feed in some]


def require_importance(tracer: Tracer, rule: PruningRule) -> None:
    """Refuse a criterion that says nothing about this network.

    Raises:
        PassNotApplicable: It does.
    """
    if rule.criterion == "bn_scale" and not tracer.batch_norm_gains:
        raise PassNotApplicable(
            "No batch norm stands behind a layer of this network, or all were folded into their layers.",
            hint="Choose another importance, or start from the PyTorch model.",
        )
    if rule.criterion == "taylor" and not tracer.sensitivities:
        raise PassNotApplicable(
            "Taylor importance needs gradients, which there are none of for an ONNX file.",
            hint="Choose another importance, or start from the PyTorch model.",
        )


def _joined(feeds: list[Feed]) -> Feed | None:
    """Return feeds of batch 1 as one batch, or None where their shapes differ."""
    if any(feed[name].shape != array.shape for feed in feeds for name, array in feeds[0].items()):
        return None
    return {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}


def require_whole(before: Sequence[Array], after: Sequence[Array]) -> None:
    """Refuse outputs of another shape than before, or that are not finite where those were.

    Raises:
        PassFailed: They are.
    """
    if [one.shape for one in before] != [one.shape for one in after]:
        raise PassFailed("The smaller network returns outputs of another shape.", hint=HINT)
    require_finite(after, before, HINT)


def savings(parameters: Sequence[int], macs: Sequence[int | None]) -> dict[str, Any]:
    """Return the details of a pruned artifact out of figures before and after."""
    return {
        "parameters_before": parameters[0],
        "parameters": parameters[1],
        "macs_before": macs[0],
        "macs": macs[1],
    }
