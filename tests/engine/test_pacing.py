"""How the time of a run is shared out: what each candidate gets, and what is kept for the end."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from core.bench.timing.interleaving import MeasurementPlan
from core.domain.model import TensorSpec
from core.domain.recipe import Recipe
from core.domain.run import Candidate, Result
from core.domain.technique import Kind
from core.engine.measuring import _spare_time
from core.engine.pacing import FINISH_S, Pacing, random_samples
from core.protocols import Trainer
from core.registry import passes
from core.search.estimate import Forecast
from core.search.spelling import parse
from core.work.stop import Stop
from tests.factories import candidate, model, result

PLAN = MeasurementPlan(max_seconds=5.0)
NETWORK = model("onnx")
SPELLED = "@onnxruntime @openvino bf16@openvino optimize_onnx@onnxruntime int8_static_ort@onnxruntime"
RECIPES = [parse(text) for text in SPELLED.split()]


def pacing(budget_s: float | None, *done: Candidate) -> Pacing:
    stop = Stop(None if budget_s is None else time.monotonic() + budget_s)
    return Pacing(stop, Forecast(NETWORK), PLAN, done)


def slow(call_s: float, speed: float = 1.0) -> Result:
    figures = result(speed)
    latency, baseline = figures.timing.latency, figures.timing.baseline
    timing = replace(
        figures.timing,
        latency=replace(latency, p50=1000 * call_s / speed),
        baseline=replace(baseline, p50=1000 * call_s),
    )
    return replace(figures, timing=timing, fidelity=replace(figures.fidelity, samples=3))


def rest(waiting: list[Recipe]) -> list[Recipe]:
    return waiting[1:]


def test_without_a_budget_everything_gets_what_the_preset_says() -> None:
    paced = pacing(None)
    assert paced.baseline(RECIPES).plan == PLAN
    share = paced.candidate(rest(RECIPES))
    assert share is not None
    assert share.plan.max_seconds == PLAN.max_seconds
    assert share.deadline == float("inf")
    heat = paced.heat()
    assert heat is not None
    assert (heat.most, heat.plan, heat.seconds) == (4, PLAN, None)


def test_a_large_budget_cuts_nothing_but_the_evaluation() -> None:
    paced = pacing(3600.0)
    assert paced.baseline(RECIPES).plan.max_seconds == PLAN.max_seconds
    share = paced.candidate(rest(RECIPES))
    assert share is not None
    assert share.plan.max_seconds == PLAN.max_seconds
    assert share.plan.throughput_batches == PLAN.throughput_batches


@pytest.mark.parametrize("budget_s", [30.0, 60.0, 120.0])
def test_the_baseline_of_a_slow_model_leaves_most_of_the_budget(budget_s: float) -> None:
    plan = pacing(budget_s).baseline(RECIPES).plan
    assert plan.predict_seconds is not None
    assert plan.max_seconds + plan.predict_seconds <= budget_s / 4


@pytest.mark.parametrize("budget_s", [30.0, 60.0, 120.0])
@pytest.mark.parametrize("call_s", [0.001, 0.1, 1.0])
def test_shares_end_before_the_budget_does(budget_s: float, call_s: float) -> None:
    paced = pacing(budget_s, candidate("base", slow(call_s), 0))
    share = paced.candidate(rest(RECIPES))
    assert share is not None
    assert share.deadline <= time.monotonic() + budget_s - FINISH_S
    assert share.plan.max_seconds <= budget_s / 2
    assert share.plan.predict_rows == 3


def test_what_cannot_come_to_an_end_is_not_begun() -> None:
    paced = pacing(8.0, candidate("base", slow(1.3), 0), candidate("one", slow(1.3, 2.0)))
    assert paced.candidate(rest(RECIPES)) is None
    assert paced.heat() is None
    assert pacing(2.0, candidate("base", slow(1.3), 0)).candidate(rest(RECIPES)) is None


def test_the_first_candidate_is_tried_with_little_hope() -> None:
    share = pacing(8.0, candidate("base", slow(1.3), 0)).candidate(rest(RECIPES))
    assert share is not None
    assert share.deadline <= time.monotonic() + 8.0 - FINISH_S


def test_many_candidates_in_little_time_are_measured_more_roughly() -> None:
    tight, roomy = (pacing(budget_s, candidate("base", slow(0.01), 0)) for budget_s in (40.0, 400.0))
    for recipe in RECIPES[1:3]:
        for paced in (tight, roomy):
            paced.learn(replace(candidate("c", None), recipe=recipe), slow(0.01, 2.0), 4.0, 0.07)
    rough, full = tight.candidate(RECIPES[3:] * 4), roomy.candidate(RECIPES[3:] * 4)
    assert rough is not None
    assert full is not None
    assert rough.plan.max_seconds < full.plan.max_seconds == PLAN.max_seconds
    assert (rough.plan.starts, rough.plan.throughput_batches) == (1, ())


class Toy(Trainer):
    """A training that says it takes ten minutes."""

    id, name, summary, kind = "toy", "Toy", "", Kind.TRAINING
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    build_s = (600.0, 0.0)

    def run(self, *args: Any) -> Any:
        raise NotImplementedError

    ensures = run


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    monkeypatch.setitem(passes(), "toy", Toy())
    return [parse(text) for text in ("toy@onnxruntime", "toy+int8_static_ort@onnxruntime")]


def test_a_training_gets_what_all_else_leaves_of_the_time(chain: list[Recipe]) -> None:
    base = candidate("base", slow(0.001), 0)
    alone = pacing(1200.0, base).candidate(chain)
    assert alone is not None
    assert alone.training_s is not None
    assert 900 < alone.training_s < 1190
    assert alone.plan.max_seconds == PLAN.max_seconds
    before = pacing(1200.0, base).candidate([RECIPES[2], *chain])
    assert before is not None
    assert before.training_s is None
    crowd = pacing(1200.0, base).candidate([*chain, *[RECIPES[2]] * 60])
    assert crowd is not None
    assert crowd.training_s is not None
    assert crowd.training_s < 0.7 * alone.training_s
    assert crowd.deadline < time.monotonic() + 1200.0


def test_a_strategy_that_may_train_again_keeps_time_for_it(chain: list[Recipe]) -> None:
    base = candidate("base", slow(0.001), 0)
    shares = {left: pacing(left, base).candidate(chain[:1], further=30) for left in (3600.0, 800.0, 300.0)}
    found = {left: round(share.training_s / left, 1) for left, share in shares.items() if share}  # type: ignore[operator]
    assert found == {3600.0: 0.1, 800.0: 0.1, 300.0: 0.9}
    again = replace(chain[0], steps=chain[0].steps * 2)
    paced = pacing(3600.0, base)
    paced.forecast.built(chain[0], 430.0)
    share = paced.candidate([again], further=30)
    assert share is not None
    assert share.training_s is not None
    assert share.training_s > 3500.0


def test_a_training_of_seconds_is_not_begun(chain: list[Recipe]) -> None:
    assert pacing(40.0, candidate("base", slow(0.001), 0)).candidate(chain[:1]) is None


def test_the_final_heat_holds_as_many_as_there_is_time_for() -> None:
    rows = [candidate("base", slow(0.01), 0), *(candidate(f"c{i}", slow(0.01, 2.0)) for i in range(9))]
    counts = [heat.most if (heat := pacing(left, *rows).heat()) else 0 for left in (3.0, 5.0, 30.0)]
    assert counts == [0, 2, 4]
    long = [replace(each, result=slow(1.0)) for each in rows]
    assert pacing(12.0, *long).heat() is None


def test_the_expectation_follows_what_was_measured() -> None:
    paced = pacing(None)
    before = paced.remaining_s(rest(RECIPES))
    for recipe in RECIPES[1:3]:
        paced.learn(replace(candidate("c", None), recipe=recipe), slow(0.01), 60.0, 0.07)
    assert paced.remaining_s(RECIPES[3:]) > before
    assert pacing(10.0).remaining_s(RECIPES) <= 10.0


def test_on_a_busy_machine_rounds_get_the_time_that_they_take() -> None:
    calm, busy = (pacing(200.0, candidate("base", slow(0.5), 0)) for _ in range(2))
    done = replace(candidate("c", None), recipe=RECIPES[1])
    calm.learn(done, slow(0.5, 2.0), 20.0, 0.75)
    busy.learn(done, slow(0.5, 2.0), 20.0, 3.0)
    usual, longer = calm.candidate(RECIPES[2:] * 4), busy.candidate(RECIPES[2:] * 4)
    assert usual is not None
    assert longer is not None
    assert longer.plan.max_seconds * longer.plan.stretch > 2 * usual.plan.max_seconds * usual.plan.stretch


def test_random_inputs_of_a_heavy_network_are_fewer_in_a_small_budget() -> None:
    heavy, light = model("onnx", macs=20 * 10**9), model("onnx")
    large = replace(light, inputs=(TensorSpec("input", "float32", ("batch", 3, 720, 720)),))
    assert random_samples(heavy, None) == {}
    assert random_samples(light, 30.0) == {}
    assert random_samples(heavy, 30.0) == {"samples": 16}
    assert random_samples(large, 30.0) == {"samples": 16}
    assert random_samples(large, 600.0) == {}


def test_the_next_process_starts_beside_the_outputs_only_where_their_time_is_ample() -> None:
    unlimited, limited = MeasurementPlan(), MeasurementPlan(predict_seconds=5.0)
    assert _spare_time(unlimited, [], 1000.0)
    assert not _spare_time(limited, [], 1000.0)
    assert _spare_time(limited, [1.0, 2.5, 9.0], 1000.0)
    assert not _spare_time(limited, [1.0, 3.5, 3.6], 1000.0)
