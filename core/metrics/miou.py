"""mIoU: the mean over classes of intersection over union, of semantic segmentation."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired

MOST_CLASSES = 1000


class MeanIou(Metric):
    """Over the pixels of all samples together; pixels to be ignored (255, or below 0) count nowhere."""

    id = "miou"
    name = "mIoU"
    order = -20
    tasks = frozenset({"image-segmentation"})

    def fits(self, about: LabelledOutput) -> bool:
        """A mask of labels per sample."""
        return about.classes is not None and len(about.row) >= 2 and about.classes <= MOST_CLASSES

    def judge(self, given: Paired) -> Judged | str:
        """Return it over the classes that the masks hold, with the samples resampled."""
        classes = given.about.classes or 0
        ours, theirs = keep(given, 3 * classes, _kept)
        there = ours[:, classes : 2 * classes].sum(axis=0) > 0
        if not there.any():
            return "every pixel of the masks is to be ignored"

        def score(kept: Floats, weights: Floats) -> Floats:
            hits, labels, answers = np.split(weights @ kept, 3, axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares = (hits / (labels + answers - hits))[:, there]
            return np.asarray(np.nanmean(shares, axis=1))

        return resampled(ours, theirs, score, given, self)


def _kept(scores: Array, labels: Array) -> Floats:
    """Return hits, labels and answers of every class in each sample."""
    samples, _, classes = scores.shape
    known = labels >= 0
    at = np.broadcast_to(np.arange(samples)[:, None] * classes, labels.shape)[known]
    label, answer = labels[known], scores.argmax(axis=2)[known]
    counts = [
        np.bincount(rows, minlength=samples * classes).reshape(samples, classes)
        for rows in ((at + label)[label == answer], at + label, at + answer)
    ]
    return np.concatenate(counts, axis=1).astype(np.float64)


METRIC = MeanIou()
