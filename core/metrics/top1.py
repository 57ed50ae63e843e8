"""Top-1 accuracy: the share of samples whose highest score is that of their class."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from core.metrics.judging import proportion
from core.protocols import Array, Judged, LabelledOutput, Paired


class Top1:
    """Also of pixels and tokens, where it is asked for."""

    id: ClassVar[str] = "top1"
    name: ClassVar[str] = "accuracy"
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = True
    default_drop: ClassVar[float] = 1.0
    relative: ClassVar[bool] = False
    order: ClassVar[int] = 0
    tasks: ClassVar[frozenset[str]] = frozenset(
        {"image-classification", "text-classification", "tabular-classification"}
    )

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
