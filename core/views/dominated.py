"""Pareto dominance explained: which candidate dominates another, and whether that is sure."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.pareto import dominates
from core.insights.objectives import lead
from core.views.rows import Row, front_point


def why_dominated(row: Row, everyone: Sequence[Row]) -> str:
    """Return which candidate is faster and loses no more, the fastest of those, and whether that is sure.

    Args:
        row: Any row of a run.
        everyone: All of them.

    Returns:
        A sentence; empty for the baseline, for what is on the front and for what is not measured.
    """
    result, speed = row.candidate.result, row.speedup
    if result is None or speed is None or row.candidate.position == 0:
        return ""
    placed = [
        (front_point(each.candidate.result), each) for each in everyone if each.candidate.result is not None
    ]
    better = [(where, each) for where, each in placed if dominates(where, front_point(result))]
    if not better:
        return ""
    _, best = min(better, key=lambda found: found[0])
    ahead = lead(best.candidate, row.candidate)
    if ahead.low <= 1:
        return f"Not Pareto-optimal, but a tie: {best.name} is ahead by less than the measurement can tell."
    return f"Dominated: {best.name} is {ahead.value:.2f}x faster and loses no more."
