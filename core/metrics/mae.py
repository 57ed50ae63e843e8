"""MAE: the mean absolute error, in the unit of the targets."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.metrics.regression import errors, is_regression
from core.protocols import Array, Judged, LabelledOutput, Paired


class MeanAbsoluteError:
    """Over all numbers of all samples."""

    id: ClassVar[str] = "mae"
    name: ClassVar[str] = "MAE"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    default_drop: ClassVar[float] = 0.01
    relative: ClassVar[bool] = True
    order: ClassVar[int] = 40
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def fits(self, about: LabelledOutput) -> bool:
        """Numbers to predict."""
        return is_regression(about)

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        ours, theirs = keep(given, 1, _kept)
        return resampled(ours, theirs, _score, given, self.higher_is_better, self.unit)


def _kept(outputs: Array, labels: Array) -> Floats:
    return np.asarray(np.abs(errors(outputs, labels)).mean(axis=1, keepdims=True))


def _score(kept: Floats, weights: Floats) -> Floats:
    return np.asarray((weights @ kept)[:, 0] / weights.sum(axis=1))


METRIC = MeanAbsoluteError()
