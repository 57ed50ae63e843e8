"""Detections held against labelled boxes by a metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.bench.quality.judged_output import Labels, judged_by
from core.bench.quality.saved_outputs import Output
from core.domain.quality import Accuracy
from core.metrics.detection.average_precision import mean_average_precision
from core.metrics.detection.matching import CLASS, THRESHOLDS, match
from core.metrics.detection.outputs import DetectionOutputs
from core.protocols import Array, Block, Paired
from core.registry import get_metric

BLOCK = 64
LEAST_FOUND = 0.01
"""Below this mAP@.5 of the baseline, labels and outputs do not belong together."""
NO_BOXES = (
    "no output holds boxes (x1, y1, x2, y2) with scores and classes, as there are after NMS; "
    "export the model with its NMS"
)


def detection_accuracy(
    found: DetectionOutputs | None,
    ours: Sequence[Output],
    theirs: Sequence[Output],
    labels: Labels,
    itself: bool,
) -> Accuracy | str:
    """Return what the metric says of the detections, or why it has no value."""
    name = get_metric(labels.metric).name
    if found is None:
        return f"There is no {name}: {NO_BOXES}."
    first = found.outputs[0]
    samples = min(ours[first].shape[0], theirs[first].shape[0], len(labels.values))

    def read(boxes: Array) -> Iterator[Block]:
        for start in range(0, samples, BLOCK):
            rows = slice(start, min(start + BLOCK, samples))
            old = found.read(theirs, rows)
            yield Block(rows, old if itself else found.read(ours, rows), old, boxes[rows])

    ways = [numbered(labels.values[:samples], column) for column in range(CLASS, labels.values.shape[2])]
    shares = [_share_found(read(boxes), samples) for boxes in ways]
    best = int(np.argmax(shares))
    if labels.values[:samples, :, CLASS].max(initial=-1) >= 0 and shares[best] < LEAST_FOUND:
        return (
            f"There is no {name}: your model finds next to none of the labelled boxes (mAP@.5 of "
            f"{100 * shares[best]:.1f} %), however its classes are numbered. Check how pictures are "
            "prepared, and state how classes are numbered."
        )
    about = replace(labels.about, row=ways[best].shape[1:])
    said = judged_by(labels.metric, found.name, Paired(about, samples, lambda: read(ways[best]), itself))
    return said if isinstance(said, str) else replace(said, numbering=best)


def numbered(labels: Array, column: int) -> Array:
    """Return boxes (samples, most, 6) with the classes of one column."""
    return np.concatenate([labels[:, :, :CLASS], labels[:, :, column : column + 1]], axis=2)


def _share_found(blocks: Iterator[Block], samples: int) -> float:
    """Return the baseline's mAP@.5, 0 without boxes."""
    pictures = (pair for block in blocks for pair in zip(block.theirs, block.labels, strict=True))
    found = mean_average_precision(match(pictures, THRESHOLDS[:1]), np.ones((1, samples)))
    return float(np.nan_to_num(found)[0])
