"""What a larger drop buys."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from core.domain.run import Candidate, Limits, RunRequest
from core.insights.recommendation import recommend
from core.store.store import Store
from core.views import tradeoffs
from tests.factories import candidate, model, result

LIMITS = Limits(1.0)


def ladder(limits: Limits = LIMITS, **drops: tuple[float, float]) -> list[tuple[float, str]]:
    store = Store()
    store.models.add(model())
    planned = [candidate("base", result(1.0), 0)]
    planned += [
        candidate(name, result(speed, drop=(lost, lost - 0.2, lost + 0.2)), at)
        for at, (name, (speed, lost)) in enumerate(drops.items(), start=1)
    ]
    store.runs.create(RunRequest("m"), "a run", planned, 60.0)
    return [(step.max_drop, step.candidate.name) for step in tradeoffs(store, store.runs.get("run"), limits)]


def test_each_step_is_the_least_drop_that_buys_a_clearly_faster_one() -> None:
    assert ladder(safe=(2.0, 0.0), better=(4.0, 0.31), best=(8.0, 2.5)) == [
        (0.0, "safe"),
        (0.4, "better"),
        (2.5, "best"),
    ]


def test_a_tie_and_a_slower_one_buy_nothing() -> None:
    assert ladder(safe=(2.0, 0.0), same=(2.03, 0.5), slower=(1.5, 1.0)) == [(0.0, "safe")]


def test_a_loss_beyond_the_slider_is_left_out() -> None:
    assert ladder(safe=(2.0, -0.3), broken=(9.0, 40.0)) == [(0.0, "safe")]


def test_the_other_limits_stay() -> None:
    assert ladder(Limits(1.0, max_latency_ms=2.0), safe=(2.0, 0.0), best=(8.0, 2.5)) == [(2.5, "best")]


def by_definition(candidates: list[Candidate], limits: Limits) -> list[tuple[float, str]]:
    """Recommend anew for each tenth of a point."""
    found: list[tuple[float, Candidate]] = []
    for step in range(101):
        chosen = recommend(candidates, replace(limits, max_drop=step / 10)).candidate_id
        best = next((each for each in candidates if each.id == chosen), None)
        if best is None or best.result is None:
            continue
        last = found[-1][1].result if found else None
        if last is None or best.result.timing.speedup.low > last.timing.speedup.high:
            found.append((step / 10, best))
    return [(step, each.name) for step, each in found]


def some(count: int, seed: int) -> list[Candidate]:
    chance = random.Random(seed)
    made = [candidate("base", result(1.0), 0)]
    for at in range(1, count):
        speed, lost = math.exp(chance.uniform(-0.2, 2.0)), chance.uniform(-1, 12)
        figures = result(speed, chance.choice((0.01, 0.04, 0.2)), (lost, lost - 0.7, lost + 0.7))
        timing = replace(figures.timing, unstable=chance.random() < 0.2)
        made.append(candidate(f"c{at}", replace(figures, timing=timing), at))
    return made


def test_the_short_way_finds_what_a_recommendation_for_each_tenth_finds() -> None:
    store = Store()
    store.models.add(model())
    for seed in range(25):
        run_id = f"run-{seed}"
        planned = [replace(each, id=f"{run_id}-{each.id}", run_id=run_id) for each in some(40, seed)]
        store.runs.create(RunRequest("m"), "a run", planned, 60.0)
        for limits in (LIMITS, Limits(1.0, max_latency_ms=4.0)):
            found = tradeoffs(store, store.runs.get(run_id), limits)
            assert [(step.max_drop, step.candidate.name) for step in found] == by_definition(planned, limits)
