"""Pairs of detections of two models: the same class, one to one, with boxes that overlap by half."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.bootstrap import Floats
from core.metrics.detection.matching import SCORE, overlaps, paired, strongest
from core.metrics.detection.outputs import DetectionOutputs, Output

CONFIDENT = 0.3
"""Detections of at least this score are what people act on; the many below come and go with any rounding."""
HALF = np.array([0.5])
BLOCK = 64
SAME_OVERLAP, SAME_SCORE = 0.99, 1e-3


@dataclass
class Pairs:
    """What adds up over samples.

    Attributes:
        both: Confident detections of both models in each sample.
        pairs: Pairs among them.
        highest: Largest score of the second model.
        least: Smallest score that is confident: half the highest where none reaches `CONFIDENT`.
        overlap: Sum of the intersection over union of the pairs.
        apart: Largest difference between the scores of a pair.
        same: All detections, the least confident too, have a pair that differs by rounding only.
    """

    both: Floats
    pairs: Floats
    highest: float
    least: float
    overlap: float = 0.0
    apart: float = 0.0
    same: bool = True

    @property
    def shares(self) -> Floats:
        """Share of the detections of each sample that are in pairs (F1); 1 where there is none."""
        return np.asarray(np.where(self.both > 0, 2 * self.pairs / np.maximum(self.both, 1), 1.0))


def pair_up(found: DetectionOutputs, ours: Sequence[Output], theirs: Sequence[Output]) -> Pairs:
    """Return the pairs among the detections in two sets of outputs (samples, ...)."""
    samples = min(each[found.outputs[0]].shape[0] for each in (ours, theirs))
    highest = 0.0
    for start in range(0, samples, BLOCK):
        scores = found.read(theirs, slice(start, min(start + BLOCK, samples)))[:, :, SCORE]
        highest = max(highest, float(scores.max(initial=0.0)))
    least = CONFIDENT if highest >= CONFIDENT else highest / 2
    sums = Pairs(np.zeros(samples), np.zeros(samples), highest, least)
    for row, (one, other) in enumerate(_samples(found, ours, theirs, samples)):
        _add(sums, row, strongest(one), strongest(other))
    return sums


def _samples(
    found: DetectionOutputs, ours: Sequence[Output], theirs: Sequence[Output], samples: int
) -> Iterator[tuple[Floats, Floats]]:
    for start in range(0, samples, BLOCK):
        rows = slice(start, min(start + BLOCK, samples))
        yield from zip(found.read(ours, rows), found.read(theirs, rows), strict=True)


def _add(sums: Pairs, row: int, ours: Floats, theirs: Floats) -> None:
    """Add one sample, whose detections are sorted by class and score."""
    sums.same = sums.same and _alike(ours, theirs)
    ours, theirs = (each[each[:, SCORE] >= sums.least] for each in (ours, theirs))
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
    if len(ours) != len(theirs):
        return False
    owner = _owners(ours, theirs)
    if (owner < 0).any():
        return False
    other = theirs[owner]
    near = np.abs(ours[:, SCORE] - other[:, SCORE]) <= SAME_SCORE
    return bool(near.all() and (overlaps(ours, _boxes(other)).diagonal() >= SAME_OVERLAP).all())
