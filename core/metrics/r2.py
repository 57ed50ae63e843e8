"""R²: the share of the targets' variance that the predictions explain."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.metrics.regression import errors, is_regression
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired

MOST_NUMBERS = 64


class CoefficientOfDetermination(Metric):
    """1 is perfect, 0 is no better than the mean; of several numbers the plain mean, as in scikit-learn."""

    id = "r2"
    name = "R²"
    unit = ""
    default_drop = 0.01
    order = 60

    def fits(self, about: LabelledOutput) -> bool:
        """A few numbers to predict."""
        return is_regression(about) and about.places <= MOST_NUMBERS

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        block = next(given.blocks())
        shift = block.labels.reshape(len(block.labels), -1)[0]

        def kept(outputs: Array, labels: Array) -> Floats:
            targets = labels.reshape(len(labels), -1) - shift  # small, so that squares keep their digits
            return np.concatenate([errors(outputs, labels) ** 2, targets, targets**2], axis=1)

        ours, theirs = keep(given, 3 * given.about.places, kept)
        targets = ours[:, given.about.places : 2 * given.about.places]
        if given.samples < 2 or (np.var(targets, axis=0) == 0).any():
            return "the numbers to predict are the same in every sample of the test"
        return resampled(ours, theirs, _score, given, self)


def _score(kept: Floats, weights: Floats) -> Floats:
    error, total, squares = np.split(weights @ kept, 3, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = 1 - error / (squares - total**2 / weights.sum(axis=1, keepdims=True))
    return np.asarray(explained.mean(axis=1))


METRIC = CoefficientOfDetermination()
