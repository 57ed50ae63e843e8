"""Why a candidate is not on the front."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.pareto import dominates
from core.views.rows import Row, quality_loss


def _place(row: Row) -> tuple[float, float] | None:
    result = row.candidate.result
    return None if result is None else (result.timing.latency.p50, quality_loss(result))


def behind(row: Row, everyone: Sequence[Row]) -> str:
    """Return which candidate is faster and loses no more, the fastest of those, and whether that is sure.

    Args:
        row: Any row of a run.
        everyone: All of them.

    Returns:
        A sentence; empty for the baseline, for what is on the front and for what is not measured.
    """
    mine, speed = _place(row), row.speedup
    if mine is None or speed is None or row.candidate.position == 0:
        return ""
    placed = [(place, each) for each in everyone if (place := _place(each)) is not None]
    better = [(place, each) for place, each in placed if dominates(place, mine)]
    if not better:
        return ""
    _, best = min(better, key=lambda found: found[0])
    if best.speedup is None or best.speedup.overlaps(speed):
        return f"Not on the front, but a tie: {best.name} is ahead by less than the measurement can tell."
    return (
        f"Not on the front: {best.name} is {best.speedup.value / speed.value:.2f}x faster and loses no more."
    )
