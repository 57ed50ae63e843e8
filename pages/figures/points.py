"""Points of the Pareto chart: measured candidates as front, tied or dominated."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.measurement import Interval
from core.domain.pareto import front

Role = Literal["baseline", "front", "tied", "dominated"]


@dataclass(frozen=True)
class Point:
    """One measured candidate.

    Attributes:
        id: Goes into the selection.
        name: Written beside the points that matter.
        x: Cost in the axis's unit; smaller is better.
        y: Quality in the axis's unit; larger is better.
        size_bytes: Sets the marker's size.
        hover: Lines of the hover text, the name excluded.
        baseline: Whether this is the uploaded model.
        apart: `y` with the interval of its difference from the baseline, by which ties are told: paired, it
            is narrower than `y`'s own. None where there is none.
    """

    id: str
    name: str
    x: Interval
    y: Interval
    size_bytes: int
    hover: tuple[str, ...] = ()
    baseline: bool = False
    apart: Interval | None = None

    def tied(self, other: Point) -> bool:
        """Whether the measurement cannot tell the two apart, on either axis."""
        return self.x.overlaps(other.x) and (self.apart or self.y).overlaps(other.apart or other.y)


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: With its unit.
        limit: Where the person's limit lies, in the axis's unit; None for no limit.
        limit_label: What to write at the limit.
        bounds: What the figure cannot leave, such as 0 and 100 percent.
        negative: Figures are drawn below zero, as less of them is better; ticks show them as they are.
    """

    title: str
    limit: float | None = None
    limit_label: str = ""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    negative: bool = False


def roles(points: Sequence[Point]) -> dict[str, Role]:
    """Return each point's role in the two shown axes.

    A dominated point whose intervals overlap those of a front point on both axes is a tie: the
    measurement cannot tell the two apart.
    """
    best = front({p.id: (p.x.value, -p.y.value) for p in points})
    winners = sorted((p for p in points if p.id in best), key=lambda p: p.x.low)
    starts = [w.x.low for w in winners]
    widest = max((w.x.high - w.x.low for w in winners), default=0.0)

    def role(point: Point) -> Role:
        if point.baseline:
            return "baseline"
        if point.id in best:
            return "front"
        # Only winners that begin here can reach the point: looking at all of them would be quadratic.
        near = winners[bisect_left(starts, point.x.low - widest) : bisect_right(starts, point.x.high)]
        tied = any(point.tied(w) for w in near)
        return "tied" if tied else "dominated"

    return {point.id: role(point) for point in points}


def corners(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats on the two shown axes, from left to right."""
    best = front({p.id: (p.x.value, -p.y.value) for p in points})
    return sorted((p for p in points if p.id in best), key=lambda p: (p.x.value, p.y.value))
