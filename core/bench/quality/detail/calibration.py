"""Confidence of classifiers: softmax of logits or probabilities as they are, and calibration (ECE)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.bench.quality.accumulation import Floats
from core.domain.accuracy_detail import Reliability
from core.protocols import Array

BINS = 15
SUM = 0.01
"""Probabilities of one label add up to 1 within this, also where they were computed in 8 bits."""
NO_PROBABILITIES = (
    "The scores lie between 0 and 1 but do not add up to 1: they are no probabilities of one label among "
    "the classes, so that there is no confidence to hold against the accuracy."
)


@dataclass(frozen=True)
class Confidence:
    """How scores become the probability of the first class.

    Attributes:
        probable: They are probabilities already; otherwise logits.
        scale: What logits are multiplied by: a single logit stands as a pair of opposite ones.
    """

    probable: bool
    scale: float = 1.0

    def of(self, scores: Array) -> Floats:
        """Return the probability of the first class of scores (samples, classes), (samples,)."""
        values = scores.astype(np.float64)
        top = values.max(axis=1)
        if self.probable:
            return np.asarray(np.clip(top, 0.0, 1.0))
        with np.errstate(invalid="ignore", over="ignore"):
            shares = 1.0 / np.exp((values - top[:, None]) * self.scale).sum(axis=1)
        return np.asarray(np.nan_to_num(shares, nan=1.0))


def confidence(scores: Array, single: bool) -> Confidence | str:
    """Return how the baseline's scores (samples, classes) are to be read, or why they cannot be.

    Args:
        scores: Of some samples.
        single: They stand for one score of two classes, see `core.metrics.choice.single_score`.
    """
    sums = scores.astype(np.float64).sum(axis=1)
    within = bool(scores.min() >= 0 and scores.max() <= 1 + SUM)
    if within and bool(np.abs(sums - 1).max() <= SUM):
        return Confidence(True)
    if within:
        return NO_PROBABILITIES
    return Confidence(False, 0.5 if single else 1.0)


def reliability(tops: Floats, right: Array) -> Reliability:
    """Return the expected calibration error over 15 bins of equal width.

    A bin holds its lower bound and not its upper one, and a confidence of exactly 1 has one of its own, as in
    torchmetrics. Source: Guo et al., On calibration of modern neural networks (ICML 2017), arXiv 1706.04599.

    Args:
        tops: Confidence of each sample (samples,), 0 to 1.
        right: Whether its answer is right (samples,).
    """
    at = np.digitize(tops, np.linspace(0, 1, BINS + 1)) - 1
    counts, sums, hits = (
        np.bincount(at, weights, BINS + 1) for weights in (None, tops, right.astype(np.float64))
    )
    held = np.maximum(counts, 1)
    means, shares = sums / held, hits / held
    ece = float((np.abs(means - shares) * counts).sum() / max(len(tops), 1))
    return Reliability(
        100 * ece, _whole(counts), tuple(map(float, means.round(5))), tuple(map(float, shares.round(5)))
    )


def _whole(counts: Array) -> tuple[int, ...]:
    return tuple(int(each) for each in counts)
