"""Top-5 accuracy: the share of samples whose class is among the five highest scores."""

from __future__ import annotations

import numpy as np

from core.metrics.judging import proportion
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired

FIVE = 5


class Top5(Metric):
    """For models of many classes."""

    id = "top5"
    name = "top-5 accuracy"
    order = 10

    def fits(self, about: LabelledOutput) -> bool:
        """One label per sample, of more than five classes."""
        return about.classes is not None and about.classes > FIVE and about.places == 1

    def judge(self, given: Paired) -> Judged | str:
        """Return the share, with Wilson's and Tango's score intervals."""
        return proportion(_right, given)


def _right(scores: Array, labels: Array) -> Array:
    own = np.take_along_axis(scores, np.maximum(labels, 0)[:, :, None], axis=2)
    return np.asarray((scores > own).sum(axis=2) < FIVE)


METRIC = Top5()
