"""Expected improvement of a front of gain and loss: its hypervolume, and its best point within the limits.

The hypervolume (Zitzler and Thiele, 1999) is the area that the front encloses with a reference point: no
gain, and the largest loss of interest. The expectation over uncertain points is that of Emmerich (2005), by
Monte Carlo with the same random numbers for all points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.search.factors import Expected

Floats = NDArray[np.float64]
Point = tuple[float, float]
"""Logarithm of the gain, and the loss."""
DRAWS = 128
LEAST_LOSS, LEAST_SHARE = 1e-9, 0.2
"""What costs nothing as it seems costs so much, and this share of its standard deviation, on average."""


def steps_of(front: Sequence[Point], widest: float) -> list[tuple[float, float, float]]:
    """Return the staircase below `front`: from which loss to which, and the best gain with as much."""
    rising: list[Point] = [(0.0, 0.0)]
    for gain, loss in sorted(front, key=lambda point: (point[1], -point[0])):
        if loss <= widest and gain > rising[-1][0]:
            rising.append((gain, max(0.0, loss)))
    ends = [loss for _, loss in rising[1:]] + [widest]
    return [(loss, end, gain) for (gain, loss), end in zip(rising, ends, strict=True)]


def hypervolume(front: Sequence[Point], widest: float) -> float:
    """Return the area between no gain and `front`, up to the loss `widest`."""
    return sum((end - begin) * gain for begin, end, gain in steps_of(front, widest))


def expected_improvement(
    expected: Expected,
    front: Sequence[Point],
    best: float,
    allowed: float,
    widest: float,
    least: float = 0.0,
    seed: int = 0,
) -> Floats:
    """Return for each point what it may add: to the hypervolume, and to the best gain within the limits.

    Args:
        expected: Of the points.
        front: Measured points.
        best: Largest logarithm of a gain that is within the limits.
        allowed: Largest loss within the limits.
        widest: Largest loss of interest.
        least: Logarithm of the gain that the limits ask for.
        seed: Of the draws.
    """
    one, two = np.random.default_rng(seed).standard_normal((2, DRAWS))
    gain = expected.gain[:, None] + expected.gain_sd[:, None] * one
    loss = _losses(expected, two)
    volume = np.zeros_like(gain)
    for begin, end, height in steps_of(front, widest):
        volume += np.maximum(0.0, end - np.maximum(begin, loss)) * np.maximum(0.0, gain - height)
    within = (loss <= allowed) & (gain >= least)
    found: Floats = (volume / widest + within * np.maximum(0.0, gain - best)).mean(axis=1)
    return found


def _losses(expected: Expected, normal: Floats) -> Floats:
    """Return draws of losses (points, draws) that are never negative: of a log-normal distribution.

    What probably costs thirty points then costs none with no chance at all, as it is.
    """
    mean = np.maximum(expected.loss, LEAST_LOSS + LEAST_SHARE * expected.loss_sd)
    spread = np.sqrt(np.log1p(np.square(expected.loss_sd / mean)))
    found: Floats = mean[:, None] * np.exp(spread[:, None] * normal - np.square(spread[:, None]) / 2)
    return found
