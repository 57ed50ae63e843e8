"""Points of the Pareto chart: measured candidates as front, tied or dominated on any two axes."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.domain.measurement import Interval
from core.domain.pareto import Place, front

Role = Literal["baseline", "front", "tied", "dominated"]

WIDE = 8.0
"""From this factor between most and the lower quartile of a cost on, equal steps would press most points
together: the axis is logarithmic."""


@dataclass(frozen=True)
class Point:
    """One measured candidate.

    Attributes:
        id: Goes into the selection.
        name: Written beside the points that matter.
        x: In the horizontal axis's unit.
        y: In the vertical axis's unit.
        size_bytes: Sets the marker's size.
        hover: What hovering says, by its label, the name excluded.
        baseline: Whether this is the uploaded model.
        apart: `y` with the interval of its difference from the baseline, by which ties are told: paired, it
            is narrower than `y`'s own. None where there is none.
        group: What it is coloured by, such as its runtime; empty where its role is.
    """

    id: str
    name: str
    x: Interval
    y: Interval
    size_bytes: int
    hover: Mapping[str, str] = field(default_factory=dict)
    baseline: bool = False
    apart: Interval | None = None
    group: str = ""

    def tied(self, other: Point) -> bool:
        """Whether the measurement cannot tell the two apart, on either axis."""
        return self.x.overlaps(other.x) and (self.apart or self.y).overlaps(other.apart or other.y)


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: With its unit.
        higher: Whether more is better.
        limit: Where the person's limit lies, in the axis's unit; None for no limit.
        limit_label: What to write at the limit.
        bounds: What the figure cannot leave, such as 0 and 100 percent.
        share: Whether it may begin elsewhere than at zero.
        log: Whether equal steps are equal factors.
        whole: Whether it shows every point, also the few shares that lie far from all others.
    """

    title: str
    higher: bool = False
    limit: float | None = None
    limit_label: str = ""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    share: bool = False
    log: bool = False
    whole: bool = False


COST, QUALITY = Axis("Cost"), Axis("Quality", higher=True)


def wide(values: Sequence[float]) -> bool:
    """Return whether `values` spread so far that their axis is better logarithmic."""
    known = sorted(values)
    return bool(known) and known[0] > 0 and known[-1] > WIDE * known[len(known) // 4]


def _place(point: Point, x: Axis, y: Axis) -> Place:
    """Return where a point lies, smaller is better on both axes."""
    return (-1 if x.higher else 1) * point.x.value, (-1 if y.higher else 1) * point.y.value


def roles(points: Sequence[Point], x: Axis = COST, y: Axis = QUALITY) -> dict[str, Role]:
    """Return each point's role in the two shown axes.

    A dominated point whose intervals overlap those of a front point on both axes is a tie: the
    measurement cannot tell the two apart.
    """
    best = front({p.id: _place(p, x, y) for p in points})
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


def corners(points: Sequence[Point], x: Axis = COST, y: Axis = QUALITY) -> list[Point]:
    """Return the points that no other beats on the two shown axes, from left to right."""
    best = front({p.id: _place(p, x, y) for p in points})
    return sorted((p for p in points if p.id in best), key=lambda p: (p.x.value, p.y.value))
