"""Colours and shapes of markers: by role, or by what groups them; never by colour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pages.figures.points import Point, Role
from pages.figures.theme import Palette

LEGEND: dict[Role, str] = {
    "front": "Pareto-optimal",
    "tied": "Tied",
    "dominated": "Dominated",
    "baseline": "Baseline (your model)",
}
SHAPES: dict[Role, str] = {
    "front": "circle",
    "tied": "triangle-up",
    "dominated": "circle",
    "baseline": "diamond",
}
GROUP_SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
OTHERS = "Others"


@dataclass(frozen=True)
class Look:
    """How the markers of one line of the legend look."""

    label: str
    color: str
    shape: str
    hollow: bool = False


def by_role(known: Mapping[str, Role], colors: Palette, main: str) -> dict[str, Look]:
    """Return the look of each point's role."""
    tint: dict[Role, str] = {
        "front": main,
        "tied": colors.muted,
        "dominated": main,
        "baseline": colors.baseline,
    }
    return {
        key: Look(LEGEND[role], tint[role], SHAPES[role], role == "dominated") for key, role in known.items()
    }


def by_group(points: Sequence[Point], colors: Palette) -> dict[str, Look]:
    """Return the look of each point's group: the largest have their own, the rest share one."""
    counts: dict[str, int] = {}
    for point in points:
        if not point.baseline:
            counts[point.group] = counts.get(point.group, 0) + 1
    largest = sorted(counts, key=lambda group: (-counts[group], group))
    most = min(len(colors.groups), len(GROUP_SHAPES)) - 1
    own = largest if len(largest) <= most + 1 else largest[:most]
    looks = {
        group: Look(group, *look)
        for group, look in zip(own, zip(colors.groups, GROUP_SHAPES, strict=False), strict=False)
    }
    base = Look(LEGEND["baseline"], colors.baseline, SHAPES["baseline"])
    rest = Look(OTHERS, colors.muted, GROUP_SHAPES[-1])
    return {point.id: base if point.baseline else looks.get(point.group, rest) for point in points}
