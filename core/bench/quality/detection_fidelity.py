"""Fidelity of detections to the baseline's: pairs of one class that overlap, not rows of equal number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.bench.quality.collapse import WAY_OUT
from core.bench.quality.saved_outputs import Output
from core.domain.measurement import Interval
from core.domain.quality import Detections, OutputFidelity
from core.errors import RuntimeFailed
from core.metrics.betting import sequential_mean
from core.metrics.bootstrap import Floats
from core.metrics.detection_outputs import DetectionOutputs
from core.metrics.judging import percent
from core.metrics.matching import SCORE, overlaps, paired, strongest
from core.metrics.proportions import wilson
from core.metrics.quantiles import Z95, student

CONFIDENT = 0.3
"""Detections of at least this score are what people act on; the many below come and go with any rounding."""
HALF = np.array([0.5])
BLOCK = 64
SAME_OVERLAP, SAME_SCORE = 0.99, 1e-3
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


@dataclass
class _Sums:
    """What adds up over samples: detections of both sides, pairs among them, and how alike these are."""

    both: Floats
    pairs: Floats
    overlap: float = 0.0
    apart: float = 0.0
    same: bool = True


def detection_fidelity(
    found: DetectionOutputs, ours: Sequence[Output], theirs: Sequence[Output], itself: bool, sequential: bool
) -> DetectionFidelity:
    """Return how much of the detections both have.

    The share is that of detections in pairs (F1): those of the same class, one to one, with an intersection
    over union of at least 0.5.

    Raises:
        RuntimeFailed: A candidate's detections hold NaN.
    """
    highest = max((float(block[:, :, SCORE].max(initial=0)) for _, block in _blocks(found, theirs, theirs)))
    least = CONFIDENT if highest >= CONFIDENT else highest / 2
    samples = min(ours[found.outputs[0]].shape[0], theirs[found.outputs[0]].shape[0])
    sums, row = _Sums(*np.zeros((2, samples))), 0
    for new, old in _blocks(found, ours, theirs):
        for one, other in zip(new, old, strict=True):
            _add(sums, row, strongest(one), strongest(other), least)
            row += 1
    pairs = sums.pairs.sum()
    compared = Detections(
        int(sums.both.sum()),
        float(least),
        float(sums.overlap / pairs) if pairs else None,
        bool(itself or sums.same),
    )
    agreement = SAME if itself else _agreement(sums, sequential)
    output = OutputFidelity(found.name, None, sums.apart, agreement, None, compared)
    return DetectionFidelity(output, samples, _little(highest))


def _blocks(
    found: DetectionOutputs, ours: Sequence[Output], theirs: Sequence[Output]
) -> Iterator[tuple[Floats, Floats]]:
    samples = min(each[found.outputs[0]].shape[0] for each in (ours, theirs))
    for start in range(0, samples, BLOCK):
        rows = slice(start, min(start + BLOCK, samples))
        new, old = found.read(ours, rows), found.read(theirs, rows)
        if np.isnan(new).any():
            raise RuntimeFailed(
                "The detections hold NaN.", hint="The technique overflowed; try a higher precision."
            )
        yield new, old


def _add(sums: _Sums, row: int, ours: Floats, theirs: Floats, least: float) -> None:
    """Add one sample, whose detections are sorted by class and score."""
    sums.same = sums.same and _alike(ours, theirs)
    ours, theirs = (each[each[:, SCORE] >= least] for each in (ours, theirs))
    owner = _owners(ours, theirs)
    hits = np.flatnonzero(owner >= 0)
    sums.both[row], sums.pairs[row] = len(ours) + len(theirs), len(hits)
    if len(hits):
        one, other = ours[hits], theirs[owner[hits]]
        sums.overlap += float(overlaps(one, _boxes(other)).diagonal().sum())
        sums.apart = max(sums.apart, float(np.abs(one[:, SCORE] - other[:, SCORE]).max()))


def _owners(ours: Floats, theirs: Floats) -> NDArray[np.int64]:
    return paired(ours, _boxes(theirs), HALF)[:, 0]


def _boxes(detections: Floats) -> Floats:
    """Return detections as boxes to find: none of them is a crowd."""
    return np.concatenate([detections[:, :4], np.zeros((len(detections), 1)), detections[:, 5:]], axis=1)


def _alike(ours: Floats, theirs: Floats) -> bool:
    """Whether all detections, the least confident too, have a pair that differs by rounding only."""
    if len(ours) != len(theirs):
        return False
    owner = _owners(ours, theirs)
    if (owner < 0).any():
        return False
    other = theirs[owner]
    near = np.abs(ours[:, SCORE] - other[:, SCORE]) <= SAME_SCORE
    return bool(near.all() and (overlaps(ours, _boxes(other)).diagonal() >= SAME_OVERLAP).all())


def _agreement(sums: _Sums, sequential: bool) -> Interval:
    """Return the percent of detections in pairs, with samples as clusters of their detections."""
    there = sums.both > 0
    both, paired_ = sums.both[there], 2 * sums.pairs[there]
    if sequential:
        shares = np.ones(len(there))
        shares[there] = paired_ / both
        return percent(sequential_mean(shares, 0.0, 1.0))
    samples, total = int(there.sum()), float(both.sum())
    if samples < 2:
        value = 100 * float(paired_.sum()) / total if total else 100.0
        return Interval(value, 0.0, 100.0)
    value = float(paired_.sum()) / total
    residuals = paired_ - value * both
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
