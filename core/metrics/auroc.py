"""AUROC: the chance that a sample of a class scores higher for it than one of another class."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired

MOST_CLASSES = 20
PROBABLE = 1e-3


class Auroc(Metric):
    """Of the second of two classes; of more, the mean of each class against the rest."""

    id = "auroc"
    name = "AUROC"
    order = 30

    def fits(self, about: LabelledOutput) -> bool:
        """One label per sample, of a few classes."""
        return about.classes is not None and about.places == 1 and about.classes <= MOST_CLASSES

    def judge(self, given: Paired) -> Judged | str:
        """Return it with the samples resampled."""
        classes = given.about.classes or 2
        ours, theirs = keep(given, classes + 1, _kept)
        absent = classes - np.unique(ours[:, 0]).size
        if absent:
            return f"{absent} of the {classes} classes have no sample in the test"
        return resampled(ours, theirs, _score, given, self)


def _kept(scores: Array, labels: Array) -> Floats:
    """Return label and scores of each sample, comparable between samples: logits become probabilities."""
    values = scores[:, 0].astype(np.float64)
    if values.shape[1] == 2:
        values = np.stack([values[:, 0] - values[:, 1], values[:, 1] - values[:, 0]], axis=1)
    elif values.min() < 0 or np.abs(values.sum(axis=1) - 1).max() > PROBABLE:
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        values = powers / powers.sum(axis=1, keepdims=True)
    return np.concatenate([labels, values], axis=1)


def _score(kept: Floats, weights: Floats) -> Floats:
    labels, scores = kept[:, 0], kept[:, 1:]
    columns = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return np.asarray(np.mean([area(scores[:, c], labels == c, weights) for c in columns], axis=0))


def area(scores: Floats, positive: Array, weights: Floats) -> Floats:
    """Return the area for each row of weights (replicates, samples): ties count half (Mann-Whitney)."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    hits, others = (
        np.add.reduceat(weights[:, order] * which[order], starts, axis=1) for which in (positive, ~positive)
    )
    below = np.cumsum(others, axis=1) - others / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((hits * below).sum(axis=1) / (hits.sum(axis=1) * others.sum(axis=1)))


METRIC = Auroc()
