"""Numerical checks of built models: SQNR and maximum error between outputs, and finiteness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import PassFailed
from core.examples import example_feed
from core.graphs.onnx import files as onnx_files
from core.metrics.detection.outputs import detection_outputs, one_call
from core.metrics.detection.pairs import pair_up
from core.protocols import Array, LocalArtifact, PassContext

if TYPE_CHECKING:
    from onnx import ModelProto

EXAMPLE_BATCH = 2
"""What networks are traced with: exporters take a batch of 1 for a constant."""
OTHER_BATCH = 3
"""Neither 1 nor 2: graphs that took the batch of the example for a constant fail at it."""


def batches(context: PassContext) -> tuple[int, ...]:
    """Return the batch sizes to check a model at."""
    fixed = context.model.fixed_batch
    return (1, OTHER_BATCH) if fixed is None else (fixed,)


FLOOR = 1e-3
"""Magnitude that every output counts as at least: runtimes compute a sigmoid near 0 to 1e-7 and no better."""


def distance(expected: Sequence[Array], actual: Sequence[Array], floor: float = FLOOR) -> float:
    """Return the largest difference of any output relative to its largest magnitude, or to `floor`.

    Outputs that are no floats count the share of unequal elements. Different numbers or shapes of outputs,
    or a value that is finite in one of them only, give infinity. Of detections, whose order and number follow
    from the least rounding, it is the share that only one of both has where that is less.
    """
    found, share = _both(expected, actual, floor)
    return min(found, share)


def differences(pairs: Iterable[tuple[Sequence[Array], Sequence[Array]]]) -> dict[str, Any]:
    """Return the largest `distance` of pairs of outputs as a detail, and whether it is one of detections."""
    both = (_both(expected, actual) for expected, actual in pairs)
    worst, others = max((min(found, share), share < found) for found, share in both)
    return {"difference": worst} | ({"other_detections": True} if others else {})


def differ(details: Mapping[str, Any]) -> str:
    """Return in words how far outputs are apart, by the details of `differences`."""
    worst = details["difference"]
    if details.get("other_detections"):
        return f"{worst:.1%} of the detections are others"
    if worst == float("inf"):
        return "the outputs have other shapes, or are not finite"
    return f"the outputs differ by {worst:.1%} of their range"


def _both(expected: Sequence[Array], actual: Sequence[Array], floor: float = FLOOR) -> tuple[float, float]:
    """Return the largest difference, and the share of other detections where that may be less."""
    if len(expected) != len(actual):
        return float("inf"), float("inf")
    found = max(
        (_distance(np.asarray(a), np.asarray(b), floor) for a, b in zip(expected, actual, strict=True)),
        default=0.0,
    )
    return found, _apart(expected, actual) if found > floor else float("inf")


def _apart(expected: Sequence[Array], actual: Sequence[Array]) -> float:
    """Return the share of detections that only one of both has, infinity where outputs are none."""
    theirs, ours = one_call(expected), one_call(actual)
    names = [str(index) for index in range(len(theirs))]
    ways = detection_outputs(names, theirs, None) if len(theirs) > 1 or theirs[0].ndim > 2 else None
    if ways is None or any(one.ndim != other.ndim for one, other in zip(ours, theirs, strict=True)):
        return float("inf")
    if any(np.isnan(each).any() for each in ours):
        return float("inf")
    return 1 - float(pair_up(ways, ours, theirs).shares.mean())


def _distance(expected: Array, actual: Array, floor: float) -> float:
    if expected.shape != actual.shape:
        return float("inf")
    if expected.size == 0:
        return 0.0
    if expected.dtype.kind != "f":
        return float(np.mean(expected != actual))
    a, b = expected.astype(np.float64), actual.astype(np.float64)
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)):
        return float("inf")
    scale = float(np.abs(a[finite]).max(initial=floor))
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale


def onnx_outputs(path: Path, context: PassContext, batch: int = 1) -> list[Array]:
    """Return what ONNX Runtime makes of the file in `path` on an example."""
    opened = onnx_files.session(path, context.threads)
    return onnx_files.run(opened, example_feed(context.model, batch, context.seed))


def require_finite(outputs: Sequence[Array], expected: Sequence[Array], hint: str) -> None:
    """Refuse outputs with values that are not finite where the original's were.

    Raises:
        PassFailed: With `hint`.
    """
    for before, after in zip(expected, outputs, strict=True):
        if after.dtype.kind == "f" and np.isfinite(before).all() and not np.isfinite(after).all():
            share = 100 * float(np.mean(~np.isfinite(after)))
            raise PassFailed(
                f"{share:.0f} % of the outputs on an example are not numbers any more.", hint=hint
            )


def require_signal(outputs: Sequence[Array], expected: Sequence[Array], hint: str) -> None:
    """Refuse outputs that are zero throughout where the original's were not.

    Raises:
        PassFailed: With `hint`.
    """
    floats = [each for each in expected if each.dtype.kind == "f"]
    largest = max((float(np.abs(each).max(initial=0.0)) for each in floats), default=0.0)
    if largest and not any(each.any() for each in outputs):
        raise PassFailed(
            f"Nothing is left of the signal: every output is 0, and was at most {largest:.1g}.", hint=hint
        )


def require_quantized(before: LocalArtifact, after: LocalArtifact, hint: str) -> ModelProto:
    """Return the quantized ONNX graph, without weights kept outside it.

    Raises:
        PassFailed: Nothing was quantized, or the outputs have other names than before.
    """
    old, new = (onnx_files.load(artifact.path, weights=False) for artifact in (before, after))
    if not after.details["quantized"]:
        raise PassFailed("Not one layer was quantized.", hint=hint)
    if onnx_files.output_names(old) != onnx_files.output_names(new):
        raise PassFailed("The outputs of the quantized graph have other names.", hint=hint)
    return new
