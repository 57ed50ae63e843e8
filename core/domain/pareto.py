"""Pareto front: the points that no other dominates."""

from __future__ import annotations

from collections.abc import Mapping

Place = tuple[float, float]


def dominates(one: Place, other: Place) -> bool:
    """Whether `one` is nowhere worse and somewhere better; smaller is better on both axes."""
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def front(points: Mapping[str, Place]) -> set[str]:
    """Return the ids of the non-dominated `points`, in O(n log n); smaller is better on both axes.

    From left to right a point is on the front where it lies lower than all before it (Kung, Luccio and
    Preparata, 1975); points that lie at one place do not dominate each other.
    """
    found: set[str] = set()
    corner: Place | None = None
    for key in sorted(points, key=points.__getitem__):
        point = points[key]
        if corner is None or point == corner or point[1] < corner[1]:
            found.add(key)
            corner = point
    return found
