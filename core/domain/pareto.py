"""The Pareto front of a run: what no other point beats in everything at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere worse and somewhere better; smaller is better on every axis."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def front(points: Mapping[str, Sequence[float]]) -> set[str]:
    """Return the ids of the non-dominated `points`; smaller is better on every axis."""
    return {
        key for key, point in points.items() if not any(dominates(other, point) for other in points.values())
    }
