"""Two candidates, or two runs, held against each other: quotients and differences with their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.measurement import Environment, Interval
from core.domain.recipe import Recipe
from core.insights.objectives import lead
from core.views.rows import Row
from core.views.run import RunView

SHOWN = 6


def quotient(one: Interval, other: Interval) -> Interval:
    """Return `one` by `other`; their relative errors add up as those of independent figures."""
    value = one.value / other.value
    if min(one.low, other.low) <= 0:
        return Interval(value, value, value)
    down = math.hypot(math.log(one.value / one.low), math.log(other.high / other.value))
    up = math.hypot(math.log(one.high / one.value), math.log(other.value / other.low))
    return Interval(value, value * math.exp(-down), value * math.exp(up))


def difference(one: Interval, other: Interval) -> Interval:
    """Return `one` less `other`, independent figures, with an interval out of both (Zou and Donner, 2008)."""
    value = one.value - other.value
    down = math.hypot(one.value - one.low, other.high - other.value)
    up = math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, value - down, value + up)


def faster(one: Row, other: Row) -> Interval | None:
    """Return by which factor `one` is faster than `other`, both of one run and timed against its baseline."""
    if one.speedup is None or other.speedup is None:
        return None
    return lead(one.candidate, other.candidate)


def truer(one: Row, other: Row) -> Interval | None:
    """Return by how much the accuracy of `one` differs from that of `other`, in the unit of their metric.

    Against the baseline it is the paired difference. That of two others is made of their differences from the
    baseline as if these were independent: they share samples, so that the true interval is rather narrower.
    """
    none = Interval(0.0, 0.0, 0.0)
    mine = none if one.candidate.position == 0 else one.change
    yours = none if other.candidate.position == 0 else other.change
    if one.accuracy is None or other.accuracy is None or mine is None or yours is None:
        return None
    return difference(mine, yours)


@dataclass(frozen=True)
class Pair:
    """A recipe that two runs both measured."""

    one: Row
    other: Row


def _key(recipe: Recipe) -> str:
    target = recipe.target
    return repr((recipe.steps, target.runtime_id, target.device))


def common(one: RunView, other: RunView) -> tuple[Pair, ...]:
    """Return the recipes that two runs both measured, in the order of the first."""
    theirs = {_key(row.candidate.recipe): row for row in other.candidates if row.latency_ms is not None}
    return tuple(
        Pair(row, theirs[key])
        for row in one.candidates
        if row.latency_ms is not None and (key := _key(row.candidate.recipe)) in theirs
    )


def unlike(one: RunView, other: RunView) -> tuple[str, ...]:
    """Return in sentences why the figures of two runs are not, or not quite, comparable."""
    return tuple(_unlike(one, other))


def _unlike(one: RunView, other: RunView) -> Iterator[str]:
    for each in (one, other):
        if each.run.imported:
            where = f"{each.run.name} was measured elsewhere, on {each.run.imported}"
            yield f"{where}. Compare speed-ups, not times."
    if one.model.sha256 != other.model.sha256:
        yield f"They are of different models: {one.model.name} and {other.model.name}."
    here, there = _environment(one), _environment(other)
    if here is not None and there is not None:
        if here.hardware != there.hardware:
            yield (
                f"They were measured on different processors: {here.cpu} and {there.cpu}. Compare speed-ups, "
                "not times."
            )
        changed = sorted(
            name for name, version in here.libraries.items() if there.libraries.get(name, version) != version
        )
        if changed:
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            yield f"Versions of libraries differ: {', '.join(changed[:SHOWN])}{more}."
    mine, yours = one.run.request, other.run.request
    for what, ours, theirs in (
        ("number of threads", mine.threads, yours.threads),
        ("batch size", mine.batch, yours.batch),
    ):
        if ours != theirs:
            yield f"The {what} differs: {ours} and {theirs}."
    if (one.data and one.data.id) != (other.data and other.data.id):
        yield "They were evaluated on different data, so that accuracy and fidelity are not comparable."


def _environment(view: RunView) -> Environment | None:
    result = view.baseline.candidate.result
    return result.timing.environment if result is not None else None
