"""The way of a run: what it measured when, and the best that it had by then."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.events import EventKind
from core.domain.measurement import Interval
from core.insights.judgement import judge
from core.insights.objectives import gain
from core.insights.recommendation import better
from core.views.rows import Row
from core.views.run import RunView


@dataclass(frozen=True)
class Found:
    """One measured candidate on the way.

    Attributes:
        after_s: Seconds since the run was created.
        row: The candidate.
        gain: By which factor it is better than the baseline in the run's objective.
        within: Whether it meets the limits.
        best: The best gain of those that do, and are measurably better than the baseline, by then; else 1.
    """

    after_s: float
    row: Row
    gain: Interval
    within: bool
    best: float


def path(view: RunView) -> tuple[Found, ...]:
    """Return what a run measured, in order, on the kind of machine that `view` shows."""
    rows, best = {row.id: row for row in view.candidates if row.candidate.position}, 1.0
    first, found = view.baseline.candidate.result, []
    for event in view.events:
        row = rows.pop(event.candidate, None) if event.kind is EventKind.MEASURED else None
        if row is None or row.candidate.result is None:
            continue
        much = gain(row.candidate.result, first, view.run.request.objective)
        within = judge(row.candidate.result, view.limits).meets
        best = max(best, much.value) if within and better(much) else best
        found.append(Found(max(0.0, event.at - view.run.created), row, much, within, best))
    return tuple(found)
