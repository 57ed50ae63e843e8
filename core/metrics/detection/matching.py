"""Matching of detections to labelled boxes by IoU, as the COCO evaluation does it, crowds included.

Within a class the detections of an image choose in order of their score, each the free box that it overlaps
most; what lies on a crowd counts neither way. Source: Lin et al., Microsoft COCO, ECCV 2014, with the rules
of evaluation that cocodataset.org describes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.bootstrap import Floats
from core.protocols import Array

THRESHOLDS = np.linspace(0.5, 0.95, 10)
MOST = 100
"""Detections of a class in an image that count, those of the highest scores."""
SCORE, CROWD, CLASS = 4, 4, 5
"""Columns of detections and of boxes behind the four corners."""


@dataclass(frozen=True)
class Matches:
    """Detections of a whole set of images, matched at every threshold.

    Attributes:
        image: Of each detection (n,); in order of the images, and within a class of falling scores.
        label: Class (n,).
        score: (n,).
        hits: Whether it found a box (n, thresholds).
        ignored: Whether it lies on a crowd (n, thresholds).
        boxes: How many there are to find (images, classes).
        classes: Class numbers of those columns.
    """

    image: NDArray[np.int64]
    label: NDArray[np.int64]
    score: Floats
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    boxes: Floats
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of images, which are what is resampled."""
        return len(self.boxes)


def match(pictures: Iterable[tuple[Array, Array]], thresholds: Floats = THRESHOLDS) -> Matches:
    """Return the matches of all `pictures`.

    Args:
        pictures: Detections (n, 6) and boxes (m, 6) of each, as in `core.protocols.metrics.Block`.
        thresholds: Of the intersection over union.
    """
    found, truths = [], []
    for image, (detections, boxes) in enumerate(pictures):
        real = boxes[boxes[:, CLASS] >= 0]
        kept = strongest(detections)
        owner = paired(kept, real, thresholds)
        crowd = np.append(real[:, CROWD] > 0, False)[owner]
        found.append((np.full(len(kept), image), kept, (owner >= 0) & ~crowd, crowd))
        truths.append(real[real[:, CROWD] <= 0, CLASS].astype(np.int64))
    images, kept, hits, crowds = (np.concatenate(parts) for parts in zip(*found, strict=True))
    classes = np.unique(np.concatenate(truths))
    counts = np.zeros((len(truths), len(classes)))
    for image, labels in enumerate(truths):
        np.add.at(counts[image], np.searchsorted(classes, labels), 1)
    known = np.isin(kept[:, CLASS], classes)
    labels = kept[known, CLASS].astype(np.int64)
    return Matches(images[known], labels, kept[known, SCORE], hits[known], crowds[known], counts, classes)


def strongest(detections: Array) -> Floats:
    """Return those with a score, by class and falling score, at most `MOST` of a class."""
    there = detections[detections[:, SCORE] > 0].astype(np.float64)
    there = there[np.lexsort((-there[:, SCORE], there[:, CLASS]))]
    first = np.searchsorted(there[:, CLASS], there[:, CLASS])
    return np.asarray(there[np.arange(len(there)) - first < MOST])


def paired(detections: Floats, boxes: Array, thresholds: Floats) -> NDArray[np.int64]:
    """Return which of `boxes` each detection takes at each threshold (n, thresholds), -1 for none.

    A box is taken once, a crowd by any number; a crowd is taken only where no box is left.
    """
    owner = np.full((len(detections), len(thresholds)), -1)
    for label in np.unique(boxes[:, CLASS]):
        ours, theirs = (np.flatnonzero(each[:, CLASS] == label) for each in (detections, boxes))
        if len(ours):
            _take(owner, ours, theirs, overlaps(detections[ours], boxes[theirs]), boxes, thresholds)
    return owner


def _take(
    owner: NDArray[np.int64],
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    shares: Floats,
    boxes: Array,
    thresholds: Floats,
) -> None:
    crowd = boxes[theirs, CROWD] > 0
    free = np.ones((len(thresholds), len(theirs)), bool)
    each = np.arange(len(thresholds))
    for row in np.flatnonzero(shares.max(axis=1) >= thresholds[0]):
        fits = free & (shares[row] >= np.minimum(thresholds, 1 - 1e-10)[:, None])
        # Boxes before crowds; of equal overlaps the last one, as the reference does.
        rank = np.where(fits, shares[row] + 2.0 * ~crowd, -1.0)
        best = len(theirs) - 1 - rank[:, ::-1].argmax(axis=1)
        there = fits[each, best]
        owner[ours[row], there] = theirs[best[there]]
        free[each[there], best[there]] &= crowd[best[there]]


def overlaps(detections: Array, boxes: Array) -> Floats:
    """Return the intersection over union (n, m); over the detection's own area where a box is a crowd."""
    low = np.maximum(detections[:, None, :2], boxes[None, :, :2])
    high = np.minimum(detections[:, None, 2:4], boxes[None, :, 2:4])
    common = np.clip(high - low, 0, None).prod(axis=2)
    own, other = ((each[:, 2:4] - each[:, :2]).prod(axis=1) for each in (detections, boxes))
    whole = own[:, None] + np.where(boxes[None, :, CROWD] > 0, 0.0, other[None, :] - common)
    return np.asarray(common / np.maximum(whole, np.finfo(np.float64).tiny))
