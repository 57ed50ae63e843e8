"""Anytime-valid confidence intervals of means: they hold at every number of samples, whoever looks when."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from core.domain.measurement import Interval

Floats = NDArray[np.float64]
ERROR = 0.05
MOST_OF_THE_STAKE = 0.5
TOLERANCE = 1e-6


def sequential_mean(values: Floats, least: float, most: float) -> Interval:
    """Return the mean with a 95 % interval out of a confidence sequence.

    Somebody bets in fair games that the mean lies above, and below, each possible value; a value against
    which that made 40 times the stake at any time so far is left out. By Ville's inequality the true mean
    stays in for all times with 95 %, so one may stop whenever the interval says enough. The bets follow from
    the variance seen before, so the interval is narrow where samples rarely differ.

    Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, Journal of the
    Royal Statistical Society B 86 (2024) 1-27, theorem 3 (hedged capital, predictable plug-in bets).

    Args:
        values: One of each sample (samples,), in the order in which they came.
        least: No value can be smaller.
        most: No value can be larger.
    """
    scaled = (values - least) / (most - least)
    bets, mean = _bets(scaled), float(scaled.mean())
    low, high = (_end(scaled, bets, mean, sign) for sign in (1.0, -1.0))
    return Interval(float(values.mean()), *(least + (most - least) * end for end in (low, high)))


def _bets(scaled: Floats) -> Floats:
    """Return the size of every bet, each out of the values before it."""
    count = np.arange(1, scaled.size + 1)
    means = (0.5 + np.cumsum(scaled)) / (count + 1)
    variances = (0.25 + np.cumsum((scaled - means) ** 2)) / (count + 1)
    before = np.concatenate(([0.25], variances[:-1]))
    return np.sqrt(2 * log(2 / ERROR) / (before * count * np.log1p(count)))


def _end(scaled: Floats, bets: Floats, mean: float, sign: float) -> float:
    """Return the lower end (`sign` 1) or the upper (-1), by bisection from the mean to the range's end."""
    inside, outside = mean, 0.0 if sign > 0 else 1.0
    while abs(outside - inside) > TOLERANCE:
        middle = (inside + outside) / 2
        if _refuted(scaled, bets, middle, sign):
            outside = middle
        else:
            inside = middle
    return outside


def _refuted(scaled: Floats, bets: Floats, value: float, sign: float) -> bool:
    room = value if sign > 0 else 1 - value
    if room <= 0:
        return False
    capital = np.cumsum(np.log1p(sign * np.minimum(bets, MOST_OF_THE_STAKE / room) * (scaled - value)))
    return bool(capital.max() >= log(2 / ERROR))
