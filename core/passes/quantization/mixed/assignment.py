"""Assignments of precisions to the layers of a chain, proposed from their times and their noise.

A sum over layers is no measurement: fusion and changes of precision between layers are missing in it. What is
proposed here is measured whole before it is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

Low = tuple[bool, ...]
"""Of each region, whether it computes in 8 bits."""


@dataclass(frozen=True)
class Region:
    """Neighbouring groups of layers that change together.

    Attributes:
        groups: Their numbers.
        low_ms: Milliseconds in 8 bits.
        float_ms: In the precision of the remainder.
        noise: Power of the error of the outputs by that of the outputs where it alone is in 8 bits.
    """

    groups: tuple[int, ...]
    low_ms: float
    float_ms: float
    noise: float = 0.0


def regions(low_ms: Sequence[float], float_ms: Sequence[float], most: int) -> list[Region]:
    """Return at most `most` regions of neighbours; those that take the least time are put together first."""
    found = [Region((index,), *times) for index, times in enumerate(zip(low_ms, float_ms, strict=True))]
    while len(found) > most:
        costs = [a.float_ms + b.float_ms for a, b in pairwise(found)]
        at = costs.index(min(costs))
        one, other = found[at : at + 2]
        found[at : at + 2] = [
            replace(
                one,
                groups=one.groups + other.groups,
                low_ms=one.low_ms + other.low_ms,
                float_ms=one.float_ms + other.float_ms,
            )
        ]
    return found


def cheapest(chain: Sequence[Region], switch_ms: float, noise_ms: float) -> Low:
    """Return the assignment with the least sum of times, changes of precision and weighted noise.

    Dynamic programming (Viterbi, 1967) over the chain.

    Args:
        chain: In the order of the graph.
        switch_ms: Cost of a change of precision between neighbours: more of it gives longer runs.
        noise_ms: Milliseconds that a noise of 1 counts as: more of it gives less noise.
    """
    sums, back = [0.0, 0.0], []  # of the best that ends in float, and in 8 bits
    for region in chain:
        own = (region.float_ms, region.low_ms + noise_ms * region.noise)
        came = [
            0 if sums[0] + switch_ms * (to == 1) <= sums[1] + switch_ms * (to == 0) else 1 for to in (0, 1)
        ]
        sums = [sums[frm] + switch_ms * (frm != to) + own[to] for to, frm in enumerate(came)]
        back.append(came)
    state, found = int(sums[1] < sums[0]), list[bool]()
    for came in reversed(back):
        found.append(state == 1)
        state = came[state]
    return tuple(reversed(found))


def runs(low: Low) -> list[tuple[int, int]]:
    """Return the start and end of each run of equal precision."""
    starts = [0, *(index for index in range(1, len(low)) if low[index] != low[index - 1]), len(low)]
    return list(pairwise(starts))


def flipped(low: Low, start: int, end: int) -> Low:
    """Return `low` with the regions from `start` to `end` in the other precision."""
    return tuple(value != (start <= index < end) for index, value in enumerate(low))
