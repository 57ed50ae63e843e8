"""How often an interval holds what it should hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.domain.measurement import Interval


def coverage(
    truth: float, draw: Callable[[np.random.Generator], Interval], times: int, seed: int = 0
) -> float:
    """Return how often the interval of a fresh draw holds the truth."""
    generator = np.random.default_rng(seed)
    found = [draw(generator) for _ in range(times)]
    return float(np.mean([each.low <= truth <= each.high for each in found]))
