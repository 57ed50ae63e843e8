"""Paired bootstrap over samples, for metrics whose interval has no closed form."""

from __future__ import annotations

from collections.abc import Callable, Sized
from math import erfc, sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.domain.measurement import Interval
from core.metrics.quantiles import student

Floats = NDArray[np.float64]
K = TypeVar("K", bound=Sized)
Score = Callable[[K, Floats], Floats]
"""From what was kept of samples (samples, k) and weights (replicates, samples) to values (replicates,)."""
MOST, LEAST = 2000, 200
DRAWS = 20_000_000
AT_ONCE = 1_000_000


def paired(
    ours: K, theirs: K, score: Score[K], higher: bool, work: int | None = None
) -> tuple[Interval, Interval]:
    """Return the value of `ours` and how much worse it is than `theirs`, each with a 95 % interval.

    Both are computed on the same resampled samples, so that what is hard for both cancels. The ends are the
    expanded percentiles, which keep their coverage with few samples; replicates without a value (a class that
    was not drawn) are left out.

    Source: Hesterberg, What teachers should know about the bootstrap, The American Statistician 69 (2015)
    371-386, section 3.4.

    Args:
        ours: What was kept of each sample of the candidate (samples, k).
        theirs: Of the baseline.
        score: The metric.
        higher: Whether more is better.
        work: Numbers that a replicate reads; by default one of each sample.
    """
    samples = len(ours)
    sign = 1.0 if higher else -1.0
    once = np.ones((1, samples))
    value, base = float(score(ours, once)[0]), float(score(theirs, once)[0])
    values, drops = [], []
    rng, left = np.random.default_rng(0), max(LEAST, min(MOST, DRAWS // max(work or samples, 1)))
    while left > 0:
        count = min(left, max(1, AT_ONCE // samples))
        weights = _weights(rng, count, samples)
        found, other = score(ours, weights), score(theirs, weights)
        values.append(found)
        drops.append(sign * (other - found))
        left -= count
    drop = sign * (base - value)
    tail = _tail(samples)
    return _interval(value, np.concatenate(values), tail), _interval(drop, np.concatenate(drops), tail)


def _weights(rng: np.random.Generator, count: int, samples: int) -> Floats:
    """Return how often each sample was drawn (count, samples)."""
    drawn = rng.integers(0, samples, (count, samples)) + samples * np.arange(count)[:, None]
    return (
        np.bincount(drawn.reshape(-1), minlength=count * samples).reshape(count, samples).astype(np.float64)
    )


def _interval(value: float, replicates: Floats, tail: float) -> Interval:
    known = replicates[np.isfinite(replicates)]
    if not known.size:
        return Interval(value, value, value)
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, min(value, float(low)), max(value, float(high)))


def _tail(samples: int) -> float:
    return 0.5 * erfc(sqrt(samples / max(samples - 1, 1)) * student(max(samples - 1, 1)) / sqrt(2))
