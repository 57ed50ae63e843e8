"""Expected improvement of a front of gain and loss: its hypervolume, and its best point within the limits.

The hypervolume (Zitzler and Thiele, 1999) is the area that the front encloses with a reference point: no
gain, and the largest loss of interest. The expectation over uncertain points is that of Emmerich (2005), by
Monte Carlo with the same random numbers for all points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.search.factors import Expected

Floats = NDArray[np.float64]
Point = tuple[float, float]
"""Logarithm of the gain, and the loss."""
DRAWS = 128
Z95, LEAST_FLIPS = 1.96, 0.1
"""Of an interval, and the loss by whose doubt a network is judged that loses nothing: some answers change."""
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
    fastest: Sequence[Fastest],
    bar: Bar,
    widest: float,
    seed: int = 0,
) -> Floats:
    """Return for each point what it may add: to the hypervolume, and to the gain of the fastest one taken.

    Args:
        expected: Of the points.
        front: Measured points.
        fastest: What each point is added to.
        bar: The limits.
        widest: Largest loss of interest.
        seed: Of the draws.
    """
    gain, loss = _draws(expected, seed)
    volume = np.zeros_like(gain)
    for begin, end, height in steps_of(front, widest):
        volume += np.maximum(0.0, end - np.maximum(begin, loss)) * np.maximum(0.0, gain - height)
    chance = bar.chance(gain, loss)
    added = [each.added(gain[row], chance[row]) for row, each in enumerate(fastest)]
    found: Floats = volume.mean(axis=1) / widest + np.array(added).mean(axis=1)
    return found


def chances(expected: Expected, bar: Bar, seed: int = 0) -> Floats:
    """Return how probably each point will be taken."""
    found: Floats = bar.chance(*_draws(expected, seed)).mean(axis=1)
    return found


def _draws(expected: Expected, seed: int) -> tuple[Floats, Floats]:
    """Return draws of gains and losses (points, draws)."""
    one, two = np.random.default_rng(seed).standard_normal((2, DRAWS))
    return expected.gain[:, None] + expected.gain_sd[:, None] * one, _losses(expected, two)


@dataclass(frozen=True)
class Bar:
    """What a chain must hold to be taken, as a person is told later.

    Attributes:
        allowed: Largest loss within the limits, in units of the losses.
        gain: Logarithm of the gain that the limits ask for.
        doubt: Standard deviation of a loss of one unit as the test will show it; that of others grows with
            the root of the loss, as that of a share of rows does.
    """

    allowed: float
    gain: float = 0.0
    doubt: float = 0.0

    def chance(self, gain: Floats, loss: Floats) -> Floats:
        """Return how probably such true figures will be taken: half for the point, half for being sure."""
        spread = self.doubt * np.sqrt(np.maximum(loss, 0.0) + LEAST_FLIPS)
        room = self.allowed - loss
        if self.doubt:
            held = (_normal(room / spread) + _normal(room / spread - Z95)) / 2
        else:
            held = (room >= 0).astype(np.float64)
        found: Floats = held * (gain >= self.gain)
        return found


class Fastest:
    """The expected gain of the fastest chain that will be taken, each of them with its own chance.

    Args:
        gains: Logarithms of the gains, of what was measured.
        chances: Of each to be taken; that of the model as it is is 1, and its gain 0.
    """

    def __init__(self, gains: Floats, chances: Floats) -> None:
        order = np.argsort(-gains)
        self._gains = np.maximum(gains[order], 0.0)
        missed = 1 - chances[order]
        self._all_missed = np.concatenate([[1.0], np.cumprod(missed)])
        self._of_slower = np.zeros(len(order) + 1)
        for at in range(len(order) - 1, -1, -1):
            later = self._of_slower[at + 1]
            self._of_slower[at] = self._gains[at] - missed[at] * (self._gains[at] - later)

    def added(self, gain: Floats, chance: Floats) -> Floats:
        """Return by how much the expectation grows with one chain more of such a gain and chance."""
        faster = np.searchsorted(-self._gains, -gain)
        found: Floats = self._all_missed[faster] * chance * np.maximum(0.0, gain - self._of_slower[faster])
        return found


def _normal(value: Floats) -> Floats:
    """Return the cumulative normal distribution, by the logistic one, which is within 0.01 of it."""
    found: Floats = 1 / (1 + np.exp(-1.702 * np.clip(value, -40.0, 40.0)))
    return found


def _losses(expected: Expected, normal: Floats) -> Floats:
    """Return draws of losses (points, draws) that are never negative: of a log-normal distribution.

    What probably costs thirty points then costs none with no chance at all, as it is.
    """
    mean = np.maximum(expected.loss, LEAST_LOSS + LEAST_SHARE * expected.loss_sd)
    spread = np.sqrt(np.log1p(np.square(expected.loss_sd / mean)))
    found: Floats = mean[:, None] * np.exp(spread[:, None] * normal - np.square(spread[:, None]) / 2)
    return found
