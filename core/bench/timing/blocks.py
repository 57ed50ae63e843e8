"""Blocks of timed calls: about 30 ms of calls, whose median is one observation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Long enough for the clock, short enough for drift to hit both sides alike.
BLOCK_MS = 30.0
# The other process has had the caches, and its helper threads may still spin for a moment.
SETTLE_MS = 3.0
# A call this long has warm caches again after a small part of it.
LONG_CALL_MS = 60.0
FEWEST_CALLS, MOST_CALLS = 3, 10_000
# After another program has had the core, a call finds cold caches. That hits every long call of a block and
# few of the short ones, so that the median of these and of those are of two states of the machine.
WARM_QUANTILE = 0.1


@dataclass(frozen=True)
class Block:
    """One block of calls of one process.

    Attributes:
        took_ms: Each call by the clock, (n,).
        lost_ms: What of that other programs took, (n,).
    """

    took_ms: Floats
    lost_ms: Floats

    @property
    def own_ms(self) -> Floats:
        """Each call without what other programs took of it, (n,).

        A call did some work: where the system's clocks are too coarse to say how much, it counts whole.
        """
        own = self.took_ms - self.lost_ms
        return np.where(own > 0, own, self.took_ms)

    @property
    def middle_ms(self) -> float:
        """Median of `own_ms`."""
        return float(np.median(self.own_ms))

    @property
    def warm_ms(self) -> float:
        """Tenth percentile of `own_ms`: a call that found its caches warm.

        Source: Chen and Revels, Robust benchmarking in noisy environments (2016), arXiv 1608.04295.
        """
        return float(np.quantile(self.own_ms, WARM_QUANTILE))


Blocks = list[Block]


def ratios(theirs: Sequence[Block], ours: Sequence[Block]) -> Floats:
    """Return the ratio of the warm calls of two sides of the same rounds, (rounds,)."""
    return np.array([a.warm_ms / b.warm_ms for a, b in zip(theirs, ours, strict=True)])


def busy(blocks: Iterable[Block]) -> float:
    """Return the time that other programs took by the time of the calls themselves."""
    sums = [(float(block.lost_ms.sum()), float(block.own_ms.sum())) for block in blocks]
    return sum(lost for lost, _ in sums) / max(sum(own for _, own in sums), 1e-9)


def calls_of(call_ms: float) -> int:
    """Return how many calls of about `call_ms` make a block: 30 ms of them, but one long call is enough."""
    if call_ms >= LONG_CALL_MS:
        return 1
    return min(MOST_CALLS, max(FEWEST_CALLS, ceil(BLOCK_MS / max(call_ms, 1e-6))))


def settle_of(call_ms: float) -> float:
    """Return the milliseconds of calls that come first in a block and are not counted."""
    return 0.0 if call_ms >= LONG_CALL_MS else SETTLE_MS
