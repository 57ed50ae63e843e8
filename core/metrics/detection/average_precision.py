"""Average precision of matched detections, on any resampling of the images without matching them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.bootstrap import Floats, paired
from core.metrics.detection.matching import Matches, match
from core.metrics.judging import in_unit
from core.protocols import Array, Judged, Metric, Paired

RECALLS = np.linspace(0, 1, 101)
WORK = 3
"""Of a detection in a replicate, by that of a sample of other metrics."""
AT_ONCE = 4_000_000
"""Detections times replicates that are looked at together."""


@dataclass(frozen=True)
class _Ranking:
    """The detections of one class by falling score, up to the last that hits anything."""

    column: int
    image: NDArray[np.int64]
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


def mean_average_precision(found: Matches, weights: Floats) -> Floats:
    """Return the mean over classes and thresholds, of each row of `weights` (replicates, images).

    Precision is the highest at this recall or a higher one, taken at 101 points of recall. Classes without a
    box, in the set or in what was drawn of it, are left out of the mean.
    """
    total, classes = np.zeros((2, len(weights)))
    for ranking in _rankings(found):
        wanted = weights @ found.boxes[:, ranking.column]
        areas = _areas(ranking, weights, wanted)
        total += np.where(wanted > 0, areas, 0.0)
        classes += wanted > 0
    with np.errstate(invalid="ignore"):
        return np.asarray(total / classes)


def _rankings(found: Matches) -> Iterator[_Ranking]:
    for column, label in enumerate(found.classes):
        rows = np.flatnonzero(found.label == label)
        rows = rows[np.argsort(-found.score[rows], kind="stable")]
        last = np.flatnonzero(found.hits[rows].any(axis=1))
        rows = rows[: last[-1] + 1 if last.size else 0]
        yield _Ranking(column, found.image[rows], found.hits[rows], found.ignored[rows])


def _areas(ranking: _Ranking, weights: Floats, wanted: Floats) -> Floats:
    """Return the average precision, meaned over the thresholds, of each replicate."""
    step = max(1, AT_ONCE // max(1, len(ranking.image)))
    parts = [slice(start, start + step) for start in range(0, len(weights), step)]
    return np.concatenate([_part(ranking, weights[rows], wanted[rows]) for rows in parts])


def _part(ranking: _Ranking, weights: Floats, wanted: Floats) -> Floats:
    drawn, thresholds = weights[:, ranking.image], ranking.hits.shape[1]
    every, area = np.cumsum(drawn, axis=1), np.zeros(len(weights))
    for threshold in range(thresholds):
        at = np.flatnonzero(ranking.hits[:, threshold])
        if not at.size:
            continue
        right, counted = np.cumsum(drawn[:, at], axis=1), every[:, at]
        left_out = np.flatnonzero(ranking.ignored[:, threshold])
        if left_out.size:
            before = np.cumsum(drawn[:, left_out], axis=1)
            ahead = np.searchsorted(left_out, at)
            counted = counted - np.where(ahead > 0, before[:, ahead - 1], 0.0)
        precision = right / np.maximum(counted, 1e-300)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(RECALLS, right / np.maximum(wanted, 1e-300)[:, None], side="right")
        area += (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1)
    return np.asarray(area / (RECALLS.size * thresholds))


def judged(given: Paired, metric: Metric, thresholds: Floats) -> Judged | str:
    """Judge by paired bootstrap over images; each is matched once.

    Args:
        given: Detections and boxes.
        metric: Whose unit is percent.
        thresholds: Of the intersection over union, to take the mean over.
    """
    theirs = match(_pictures(given, ours=False), thresholds)
    if not theirs.boxes.any():
        return "none of the images has a labelled box"
    ours = theirs if given.itself else match(_pictures(given, ours=True), thresholds)
    work = WORK * int(theirs.boxes.size + theirs.hits.sum() + len(theirs.image))
    value, drop = paired(ours, theirs, mean_average_precision, metric.higher_is_better, work)
    return in_unit(value, drop, drop.low == drop.high == 0, given, metric)


def _pictures(given: Paired, ours: bool) -> Iterator[tuple[Array, Array]]:
    for block in given.blocks():
        yield from zip(block.ours if ours else block.theirs, block.labels, strict=True)
