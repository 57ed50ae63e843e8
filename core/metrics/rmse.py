"""RMSE: the root of the mean squared error, in the unit of the targets."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.metrics.regression import errors, is_regression
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired


class RootMeanSquaredError(Metric):
    """Over all numbers of all samples; large errors count more than in MAE."""

    id = "rmse"
    name = "RMSE"
    unit = ""
    higher_is_better = False
    default_drop = 0.01
    relative = True
    order = 50

    def fits(self, about: LabelledOutput) -> bool:
        """Numbers to predict."""
        return is_regression(about)

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        ours, theirs = keep(given, 1, _kept)
        return resampled(ours, theirs, _score, given, self)


def _kept(outputs: Array, labels: Array) -> Floats:
    return np.asarray((errors(outputs, labels) ** 2).mean(axis=1, keepdims=True))


def _score(kept: Floats, weights: Floats) -> Floats:
    return np.asarray(np.sqrt((weights @ kept)[:, 0] / weights.sum(axis=1)))


METRIC = RootMeanSquaredError()
