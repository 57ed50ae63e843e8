"""Macro-F1: the mean over classes of the harmonic mean of precision and recall."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired


class MacroF1(Metric):
    """Every class counts the same, however rare: for unbalanced classes."""

    id = "macro_f1"
    name = "macro-F1"
    order = 20

    def fits(self, about: LabelledOutput) -> bool:
        """One label per sample."""
        return about.classes is not None and about.places == 1

    def judge(self, given: Paired) -> Judged | str:
        """Return it over all classes of the model, with the samples resampled."""
        classes = given.about.classes or 0
        ours, theirs = keep(given, 2, _kept)
        absent = classes - np.unique(ours[:, 0]).size
        if absent:
            return f"{absent} of the {classes} classes have no sample in the test"

        def score(kept: Floats, weights: Floats) -> Floats:
            return f1(kept, weights, classes)

        return resampled(ours, theirs, score, given, self)


def _kept(scores: Array, labels: Array) -> Floats:
    return np.concatenate([labels, scores.argmax(axis=2)], axis=1).astype(np.float64)


def f1(kept: Floats, weights: Floats, classes: int) -> Floats:
    """Return the mean over the classes that occur in labels or answers, for each row of weights."""
    count = len(weights)
    label, answer = kept.T.astype(np.int64)

    def per_class(which: Array, counted: Floats) -> Floats:
        at = (np.arange(count)[:, None] * classes + which).reshape(-1)
        return (
            np.bincount(at, counted.reshape(-1), count * classes).reshape(count, classes).astype(np.float64)
        )

    hits = per_class(label, weights * (label == answer))
    both = per_class(label, weights) + per_class(answer, weights)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(2 * hits / both, axis=1))


METRIC = MacroF1()
