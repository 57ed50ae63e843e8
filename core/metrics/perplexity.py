"""Perplexity: the exponential of the mean negative log-likelihood of the labelled tokens."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.metrics.judging import keep, resampled
from core.protocols import Array, Judged, LabelledOutput, Metric, Paired


class Perplexity(Metric):
    """Labels are the next tokens, in line with the logits: already shifted by one."""

    id = "perplexity"
    name = "perplexity"
    unit = ""
    higher_is_better = False
    default_drop = 0.1
    order = 20
    tasks = frozenset({"text-generation"})

    def fits(self, about: LabelledOutput) -> bool:
        """A row of labels per sample."""
        return about.classes is not None and len(about.row) == 1 and about.places > 1

    def judge(self, given: Paired) -> Judged | str:
        """Return it over all tokens, with the texts resampled."""
        ours, theirs = keep(given, 2, _kept)
        if not ours[:, 1].sum():
            return "none of the labels is one that counts"
        if not np.isfinite([_score(each, np.ones((1, len(each))))[0] for each in (ours, theirs)]).all():
            return "some label was given no probability at all, so that the perplexity is infinite"
        return resampled(ours, theirs, _score, given, self)


def _kept(scores: Array, labels: Array) -> Floats:
    known = labels >= 0
    values = scores.astype(np.float64)
    top = values.max(axis=2, keepdims=True)
    total = np.log(np.exp(values - top).sum(axis=2)) + top[:, :, 0]
    own = np.take_along_axis(values, np.maximum(labels, 0)[:, :, None], axis=2)[:, :, 0]
    return np.stack([np.where(known, total - own, 0.0).sum(axis=1), known.sum(axis=1)], axis=1)


def _score(kept: Floats, weights: Floats) -> Floats:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        lost, counted = (weights @ kept).T
        return np.asarray(np.exp(lost / counted))


METRIC = Perplexity()
