"""Detections: found boxes per class at one overlap and one score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.bench.quality.accumulation import Counts
from core.bench.quality.detail.answers import of_columns
from core.bench.quality.detection_accuracy import BLOCK, numbered
from core.bench.quality.saved_outputs import Output
from core.domain.accuracy_detail import AccuracyDetail, Answers
from core.metrics.detection.matching import CLASS, THRESHOLDS, match
from core.metrics.detection.outputs import DetectionOutputs
from core.protocols import Array

SCORE, LOOKED_AT = 0.5, 64
NOTE = (
    "Of detections with a score of at least 0.5, a box counts as found where one of its class overlaps it by "
    "half (IoU). Boxes are not paired between candidate and baseline, so that changes have no interval, and "
    "there is no confusion, calibration or flip of a sample."
)


def detail_of(
    found: DetectionOutputs, ours: Sequence[Output], theirs: Sequence[Output], boxes: Array
) -> AccuracyDetail:
    """Return the found boxes of both sides by class.

    Args:
        found: Which outputs hold detections.
        ours: Outputs (samples, ...) of the candidate.
        theirs: Of the baseline.
        boxes: Labels (samples, most, 6 or more), a column for each way to number classes.
    """
    first = found.outputs[0]
    samples = min(ours[first].shape[0], theirs[first].shape[0], len(boxes))
    labels = _numbered(found, theirs, boxes[:samples])
    mine, base = (_counted(_pictures(found, each, labels)) for each in (ours, theirs))
    classes = 1 + max((*mine[0], *mine[1], *base[1]), default=0)
    wanted, answered, hits = (_column(each, classes) for each in mine)
    _, base_answered, base_hits = (_column(each, classes) for each in base)
    nothing = np.zeros(classes, np.int64)
    counts = of_columns([wanted, answered, hits, base_answered, base_hits, nothing, nothing])
    return AccuracyDetail(Answers.DETECTIONS, found.name, samples, classes, True, counts, note=NOTE)


def _numbered(found: DetectionOutputs, theirs: Sequence[Output], boxes: Array) -> Array:
    """Return boxes with classes numbered as the baseline has them, told by the first samples."""
    ways = [numbered(boxes, column) for column in range(CLASS, boxes.shape[2])]
    if len(ways) == 1:
        return ways[0]
    hits = [sum(_counted(_pictures(found, theirs, way[:LOOKED_AT]))[2].values()) for way in ways]
    return ways[int(np.argmax(hits))]


def _pictures(
    found: DetectionOutputs, outputs: Sequence[Output], labels: Array
) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(labels), BLOCK):
        rows = slice(start, min(start + BLOCK, len(labels)))
        yield from zip(found.read(outputs, rows), labels[rows], strict=True)


def _counted(
    pictures: Iterator[tuple[Array, Array]],
) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Return boxes, detections and hits by class."""
    found = match(pictures, THRESHOLDS[:1])
    sure = (found.score >= SCORE) & ~found.ignored[:, 0]
    boxes = {
        int(label): int(count) for label, count in zip(found.classes, found.boxes.sum(axis=0), strict=True)
    }
    answered = _by_class(found.label[sure])
    hits = _by_class(found.label[sure & found.hits[:, 0]])
    return boxes, answered, hits


def _by_class(labels: Array) -> dict[int, int]:
    classes, counts = np.unique(labels, return_counts=True)
    return {int(each): int(count) for each, count in zip(classes, counts, strict=True)}


def _column(counts: dict[int, int], classes: int) -> Counts:
    return np.array([counts.get(at, 0) for at in range(classes)], np.int64)
