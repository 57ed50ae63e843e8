"""The local search: what it proposes, from which figures, and that it is a function of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.domain.measurement import Interval
from core.domain.recipe import Recipe
from core.domain.run import CandidateStatus, Limits, RunRequest
from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.proposals import Proposals
from core.search.spelling import parse, spell
from core.search.strategies.refine import STRATEGY, RefineParams
from tests.factories import ENVIRONMENT, model

NETWORK = model("onnx")
BASELINE = parse("@onnxruntime")
START = (
    "@openvino",
    "int8_static_ort@onnxruntime",
    "bf16@openvino",
    "int8_static_nncf+bf16@openvino",
    "prune_channels:ratio=0.3+bf16@openvino",
)
SPEED = {"bf16": 1.5, "int8_static_nncf": 1.8, "int8_static_ort": 1.9, "openvino": 1.5}


def machine(recipe: Recipe, max_drop: float | None = 1.0) -> Trial:
    """Return what a machine measures on which factors multiply; pruning costs the square of its ratio."""
    ratio = sum(step.params["ratio"] for step in recipe.steps if step.pass_id == "prune_channels")
    speed = SPEED.get(recipe.target.runtime_id, 1.0) / (1 - ratio)
    for step in recipe.steps:
        speed *= SPEED.get(step.pass_id, 1.0)
    loss = 5 * ratio**2 + 0.2 * any(step.pass_id.startswith("int8") for step in recipe.steps)
    interval = Interval(speed, speed * 0.99, speed * 1.01)
    return Trial(
        recipe, CandidateStatus.DONE, interval, 10 / speed, loss, max_drop is None or loss <= max_drop, 1
    )


def context(start: Sequence[str] = START, max_drop: float | None = 1.0) -> SearchContext:
    request = RunRequest(
        "m", recipes=tuple(map(parse, start)), strategy="refine", limits=Limits(max_drop=max_drop)
    )
    return SearchContext(request, NETWORK, ENVIRONMENT, ("onnxruntime", "openvino"))


def search(asked: SearchContext, most: int = 6) -> list[Trial]:
    history, limit = [machine(BASELINE)], asked.request.limits.max_drop
    while (recipe := STRATEGY.propose(asked, history, RefineParams(most))) is not None:
        history.append(machine(recipe, limit))
    return history


def test_the_start_comes_first_and_is_all_that_is_known_beforehand() -> None:
    proposals = Proposals(context().request, NETWORK, ENVIRONMENT, ("onnxruntime", "openvino"))
    assert [spell(each) for each in proposals.foreseen(BASELINE)] == list(START)
    assert proposals.most == 6


def test_without_recipes_it_starts_from_the_preset() -> None:
    bare = replace(context(), request=RunRequest("m", strategy="refine"))
    first = STRATEGY.propose(bare, [Trial(BASELINE)], RefineParams())
    assert first == parse("@openvino")


def test_it_finds_a_faster_chain_within_the_limit() -> None:
    history = search(context())
    added = [spell(trial.recipe) for trial in history[1 + len(START) :]]
    assert "prune_channels:ratio=0.3+int8_static_nncf+bf16@openvino" in added
    best, start = (
        max(trial.speedup.value for trial in trials if trial.speedup and trial.within)
        for trials in (history, history[: 1 + len(START)])
    )
    assert best > 1.3 * start
    assert len(added) <= 6


def test_a_technique_goes_to_the_runtime_that_is_faster() -> None:
    added = search(context(["@openvino", "int8_static_ort@onnxruntime"]))[3:]
    assert [spell(trial.recipe) for trial in added] == ["int8_static_ort@openvino"]


def test_a_setting_goes_deeper_where_there_is_room_and_lighter_where_the_limit_was_broken() -> None:
    def ratios(drop: float | None) -> list[float]:
        start = ["bf16@openvino", "prune_channels:ratio=0.3+bf16@openvino"]
        added = search(context(start, drop))[3:]
        return [trial.recipe.steps[0].params["ratio"] for trial in added]

    assert ratios(2.0)[0] == 0.45
    assert all(ratio < 0.3 for ratio in ratios(0.3))
    assert ratios(None)[-1] == 0.9
    assert ratios(1e-3) == []


def test_nothing_promising_ends_it() -> None:
    assert len(search(context(["@openvino"]))) == 2
    slow = [machine(BASELINE), replace(machine(parse("@openvino")), status=CandidateStatus.FAILED, loss=None)]
    assert STRATEGY.propose(context(["@openvino"]), slow, RefineParams()) is None


def test_it_waits_for_what_is_not_measured_yet() -> None:
    history = [machine(BASELINE), *(machine(parse(each)) for each in START)]
    history[-1] = Trial(history[-1].recipe, CandidateStatus.MEASURING)
    assert STRATEGY.propose(context(), history, RefineParams()) is None


def test_a_resumed_search_goes_on_as_it_would_have_and_repeats_nothing() -> None:
    whole = search(context())
    recipes = [spell(trial.recipe) for trial in whole]
    assert len(recipes) == len(set(recipes))
    for count in range(1, len(whole)):
        assert STRATEGY.propose(context(), whole[:count], RefineParams()) == whole[count].recipe
