"""What a larger drop buys."""

from __future__ import annotations

from core.domain.run import Limits, RunRequest
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
    return [(step.max_drop, step.candidate.name) for step in tradeoffs(store, "run", limits)]


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
