"""Multiple-choice knapsack: one option for each group, so that enough is saved for the least loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEPS = 1000
"""Into which what is to be saved is divided; each choice is rounded down to them."""


def cheapest(
    savings: Sequence[Sequence[float]], losses: Sequence[Sequence[float]], wanted: float
) -> list[int]:
    """Return the option of each group with the least sum of losses whose savings add up to `wanted`.

    Exact up to the rounding, by dynamic programming over what is saved so far. Channel pruning to a latency
    as a knapsack is HALP's (Shen et al. 2021, arXiv 2110.10811).

    Args:
        savings: By group and option, 0 or more; the first option of each group saves and loses nothing.
        losses: Likewise.
        wanted: More than 0.

    Returns:
        The option that saves most in each group where no choice saves enough.
    """
    units = [[min(STEPS, int(STEPS * each / wanted)) for each in group] for group in savings]
    best = np.full(STEPS + 1, np.inf)
    best[0] = 0.0
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for group, cost in zip(units, losses, strict=True):
        reached = np.full((len(group), STEPS + 1), np.inf)
        source = np.zeros((len(group), STEPS + 1), np.int64)
        for at, (unit, loss) in enumerate(zip(group, cost, strict=True)):
            nearest = STEPS - unit + int(best[STEPS - unit :].argmin())
            source[at, unit:] = np.arange(STEPS + 1 - unit)
            reached[at, unit:] = best[: STEPS + 1 - unit] + loss
            source[at, STEPS], reached[at, STEPS] = nearest, best[nearest] + loss
        option = reached.argmin(0)
        steps.append((option, source[option, np.arange(STEPS + 1)]))
        best = reached.min(0)
    if not np.isfinite(best[STEPS]):
        return [int(np.argmax(group)) for group in savings]
    found, state = [], STEPS
    for option, before in reversed(steps):
        found.append(int(option[state]))
        state = int(before[state])
    return found[::-1]
