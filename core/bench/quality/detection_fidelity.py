"""Fidelity of detections to the baseline's: pairs of one class that overlap, not rows of equal number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.bench.quality.collapse import WAY_OUT
from core.bench.quality.saved_outputs import Output
from core.domain.measurement import Interval
from core.domain.quality import Detections, OutputFidelity
from core.errors import RuntimeFailed
from core.metrics.betting import sequential_mean
from core.metrics.detection.outputs import DetectionOutputs
from core.metrics.detection.pairs import CONFIDENT, Pairs, pair_up
from core.metrics.judging import percent
from core.metrics.proportions import wilson
from core.metrics.quantiles import Z95, student

SAME = Interval(100.0, 100.0, 100.0)


@dataclass(frozen=True)
class DetectionFidelity:
    """Fidelity of the detections of all samples.

    Attributes:
        output: The outputs that hold them, as one.
        samples: Compared samples.
        little: Why it says little, in a sentence; empty where it means something.
    """

    output: OutputFidelity
    samples: int
    little: str


def detection_fidelity(
    found: DetectionOutputs, ours: Sequence[Output], theirs: Sequence[Output], itself: bool, sequential: bool
) -> DetectionFidelity:
    """Return how much of the detections both have.

    The share is that of detections in pairs (F1): those of the same class, one to one, with an intersection
    over union of at least 0.5.

    Raises:
        RuntimeFailed: A candidate's detections hold NaN.
    """
    for index in found.outputs:
        if np.isnan(ours[index][:]).any():
            raise RuntimeFailed(
                "The detections hold NaN.", hint="The technique overflowed; try a higher precision."
            )
    sums = pair_up(found, ours, theirs)
    pairs = float(sums.pairs.sum())
    overlap = sums.overlap / pairs if pairs else None
    compared = Detections(int(sums.both.sum()), sums.least, overlap, itself or sums.same)
    agreement = SAME if itself else _agreement(sums, sequential)
    output = OutputFidelity(found.name, None, sums.apart, agreement, None, compared)
    return DetectionFidelity(output, len(sums.both), _little(sums.highest))


def _agreement(sums: Pairs, sequential: bool) -> Interval:
    """Return the percent of detections in pairs, with samples as clusters of their detections."""
    if sequential:
        return percent(sequential_mean(sums.shares, 0.0, 1.0))
    there = sums.both > 0
    both, hits, samples = sums.both[there], 2 * sums.pairs[there], int(there.sum())
    total = float(both.sum())
    value = float(hits.sum()) / total if total else 1.0
    if samples < 2:
        return Interval(100 * value, 0.0, 100.0)
    residuals = hits - value * both
    seen = samples / (samples - 1) * float((residuals**2).sum()) / total**2
    held = min(max(value * (1 - value) / seen, samples), total) if seen > 0 else samples
    held *= (Z95 / student(samples - 1)) ** 2
    return percent(wilson(value * held, held))


def _little(highest: float) -> str:
    """Return why agreement says little where the baseline is sure of nothing."""
    if highest >= CONFIDENT:
        return ""
    seen = f"none scores above {highest:.2g}" if highest else "there is none"
    return f"The detections say little on these inputs: {seen}. {WAY_OUT}"
