"""What is recommended for a scenario follows the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.domain.recipe import Step
from core.domain.run import RunStatus
from core.store.store import Store
from core.views import Scenario, advise, run_view
from core.views.advice import _standalone
from tests.pages import seed
from tests.pages.conftest import store  # noqa: F401


def test_each_scenario_has_its_candidate_and_reason(store: Store) -> None:  # noqa: F811
    seed.run(store, "done", RunStatus.DONE)
    view = run_view(store, "done")
    names = {each: advise(view, each) for each in Scenario}
    chosen = {
        each: next(r.name for r in view.candidates if r.id == a.candidate_id) for each, a in names.items()
    }
    assert chosen[Scenario.LATENCY] == "INT8 static (NNCF) · OpenVINO"
    smallest = min((r for r in view.candidates if r.sure), key=lambda row: row.size_bytes or 0)
    assert chosen[Scenario.EDGE] == smallest.name
    assert [each for each in Scenario if names[each].service] == [
        Scenario.LATENCY,
        Scenario.THROUGHPUT,
        Scenario.BATCH,
        Scenario.SERVERLESS,
    ]
    assert names[Scenario.BATCH].features == ("batch_prediction",)
    assert "batching" not in names[Scenario.LATENCY].features
    assert all(advice.reasons for advice in names.values())


def test_batching_is_recommended_where_it_was_measured_to_gain(store: Store) -> None:  # noqa: F811
    seed.run(store, "done", RunStatus.DONE)
    view = run_view(store, "done")

    def with_rates(rates: dict[int, float]) -> Any:
        rows = []
        for row in view.candidates:
            result = row.candidate.result
            if result is not None:
                result = replace(result, timing=replace(result.timing, throughput=rates))
            rows.append(replace(row, candidate=replace(row.candidate, result=result)))
        return advise(replace(view, candidates=tuple(rows)), Scenario.THROUGHPUT)

    gains, flat = with_rates({1: 100.0, 8: 400.0}), with_rates({1: 100.0, 8: 101.0})
    assert "batching" in gains.features
    assert "4.0 times" in " ".join(gains.reasons)
    assert "batching" not in flat.features


def test_without_measured_throughput_the_latency_tells(store: Store) -> None:  # noqa: F811
    seed.run(store, "done", RunStatus.DONE)
    view = run_view(store, "done")
    rows = []
    for row in view.candidates:
        result = row.candidate.result
        if result is not None:
            result = replace(result, timing=replace(result.timing, throughput={}))
        rows.append(replace(row, candidate=replace(row.candidate, result=result)))
    advice = advise(replace(view, candidates=tuple(rows)), Scenario.THROUGHPUT)
    fastest = next(row for row in view.candidates if row.id == advice.candidate_id)
    assert fastest.name == "INT8 static (NNCF) · OpenVINO"
    assert "was not measured" in " ".join(advice.reasons)


def test_only_what_runs_without_the_code_of_its_network_is_recommended(store: Store) -> None:  # noqa: F811
    seed.run(store, "done", RunStatus.DONE)
    view = run_view(store, "done")
    bare = replace(view.candidates[0].candidate.recipe, steps=())
    assert not _standalone(bare, "state_dict")
    assert _standalone(bare, "onnx")
    for steps in (("export_onnx",), ("prune_magnitude", "export_pt2")):
        assert _standalone(replace(bare, steps=tuple(map(Step, steps))), "state_dict")
    assert not _standalone(replace(bare, steps=(Step("prune_magnitude"), Step("gone"))), "state_dict")
    weights = [
        replace(row, candidate=replace(row.candidate, recipe=bare)) if row.candidate.result else row
        for row in view.candidates
    ]
    lone = replace(view, model=replace(view.model, format="state_dict"), candidates=tuple(weights))
    assert all(advise(lone, each).candidate_id is None for each in Scenario)
