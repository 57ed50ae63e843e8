"""Top-1 accuracy: the share of samples whose highest score is that of their class."""

from __future__ import annotations

import numpy as np

from core.metrics.judging import proportion
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired


class Top1(Metric):
    """Also of pixels and tokens, where it is asked for."""

    id = "top1"
    name = "accuracy"
    order = 0
    tasks = frozenset({"image-classification", "text-classification", "tabular-classification"})

    def fits(self, about: LabelledOutput) -> bool:
        """Wherever there are classes."""
        return about.classes is not None

    def judge(self, given: Paired) -> Judged | str:
        """Return the share, with Wilson's and Tango's score intervals."""
        return proportion(right, given)


def right(scores: Array, labels: Array) -> Array:
    """Return whether the highest of the scores (samples, places, classes) is at the label."""
    return np.asarray(scores.argmax(axis=2) == labels)


METRIC = Top1()
