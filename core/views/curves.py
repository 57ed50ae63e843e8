"""Training curves of a run, out of its events."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.events import EventKind
from core.search.names import pass_name
from core.views.run import RunView


@dataclass(frozen=True)
class Curve:
    """One training of one candidate.

    Attributes:
        candidate_id: Of the candidate that it was built for; others with the same steps share it.
        name: Of that candidate.
        step: Id of the pass.
        technique: Its name.
        done: Steps done.
        total: Steps planned.
        points: The step and its figures, in their order.
    """

    candidate_id: str
    name: str
    step: str
    technique: str
    done: float
    total: float
    points: tuple[tuple[float, dict[str, float]], ...]


def training_curves(view: RunView) -> tuple[Curve, ...]:
    """Return the trainings of a run, the newest last; of one that began anew the points since then."""
    names = {row.id: row.name for row in view.candidates}
    found: dict[tuple[str, str], list[tuple[float, dict[str, float]]]] = {}
    totals: dict[tuple[str, str], float] = {}
    for event in view.events:
        if event.kind is not EventKind.TRAINING:
            continue
        key, done = (event.candidate, str(event.data["step"])), float(event.data["done"])
        before = [each for each in found.pop(key, []) if each[0] < done]
        found[key] = [*before, (done, event.data["values"])]
        totals[key] = float(event.data["total"] or done)
    curves = []
    for (candidate, step), points in found.items():
        total, name = totals[candidate, step], names.get(candidate, "")
        curves.append(Curve(candidate, name, step, pass_name(step), points[-1][0], total, tuple(points)))
    return tuple(curves)
