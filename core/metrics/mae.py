"""MAE: the mean absolute error, in the unit of the targets."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.metrics.regression import errors, is_regression
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired


class MeanAbsoluteError(Metric):
    """Over all numbers of all samples."""

    id = "mae"
    name = "MAE"
    unit = ""
    higher_is_better = False
    default_drop = 0.01
    relative = True
    order = 40
    tasks = frozenset({"regression"})

    def fits(self, about: LabelledOutput) -> bool:
        """Numbers to predict."""
        return is_regression(about)

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        ours, theirs = keep(given, 1, _kept)
        return resampled(ours, theirs, _score, given, self)


def _kept(outputs: Array, labels: Array) -> Floats:
    return np.asarray(np.abs(errors(outputs, labels)).mean(axis=1, keepdims=True))


def _score(kept: Floats, weights: Floats) -> Floats:
    return np.asarray((weights @ kept)[:, 0] / weights.sum(axis=1))


METRIC = MeanAbsoluteError()
