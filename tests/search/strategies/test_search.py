"""The search: what it tries next on a machine whose figures are made up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, ClassVar

import pytest

from core.domain.measurement import Interval
from core.domain.recipe import Recipe, Step
from core.domain.run import CandidateStatus, Limits, RunRequest
from core.domain.technique import Kind
from core.domain.trial import Trial
from core.params import setting
from core.protocols import Idea, Pass, SearchContext, Trainer
from core.registry import get_pass, passes
from core.search.improvement import hypervolume
from core.search.proposals import Proposals
from core.search.schedule import Schedule
from core.search.space import Chain, space
from core.search.spelling import parse, spell
from core.search.strategies.search import STRATEGY, SearchParams, chosen
from tests.factories import ENVIRONMENT, model

NETWORK = model("onnx")
BASELINE = parse("@onnxruntime")
START = ("@openvino", "int8_static_ort@onnxruntime", "bf16@openvino", "int8_static_nncf+bf16@openvino")
SPEED = {"bf16": 1.5, "int8_static_nncf": 1.8, "int8_static_ort": 1.9, "openvino": 1.5, "pytorch": 0.9}


@dataclass(frozen=True)
class CutParams:
    """How much."""

    share: float = setting(0.3, "Share", low=0.05, high=0.9, strength=True)


class Cut(Pass):
    """Takes operations away, says nothing more of itself."""

    id, name, summary, kind, Params = "toy_cut", "Cut", "", Kind.PRUNING, CutParams
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}

    def run(self, *args: Any) -> Any:
        raise NotImplementedError

    def ideas(self, *args: Any) -> list[Idea]:
        return [Idea(2, 500, "openvino", (Step(self.id), Step("toy_teach")), remainder=True)]

    ensures = run


class Correct(Trainer):
    """Corrects statistics in seconds."""

    id, name, summary, kind = "toy_correct", "Correct", "", Kind.TRAINING
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    build_s = (8.0, 0.0)

    def ideas(self, *args: Any) -> list[Idea]:
        return [Idea(3, 510, "openvino", (Step("toy_cut"), Step(self.id)))]

    def run(self, *args: Any) -> Any:
        raise NotImplementedError

    ensures = run


class Teach(Trainer):
    """Recovers most of what was lost, in many minutes."""

    id, name, summary, kind = "toy_teach", "Teach", "", Kind.TRAINING
    produces: ClassVar[dict[str, str]] = {"onnx": "onnx"}
    build_s = (300.0, 0.0)

    def run(self, *args: Any) -> Any:
        raise NotImplementedError

    ensures = run


PLANTED = frozenset({"bf16", "fp16", "int8_dynamic", "int8_static_nncf", "int8_static_ort", "optimize_onnx"})
PRUNING = frozenset({"prune_channels", "prune_magnitude"})


@pytest.fixture(autouse=True)
def _planted() -> Iterator[None]:
    """Leave the techniques whose figures `machine` makes up, so that others that come change nothing here."""
    everything = dict(passes())
    for name in everything.keys() - PLANTED - PRUNING:
        del passes()[name]
    yield
    passes().clear()
    passes().update(everything)  # in their order, which decides between equally good ideas


@pytest.fixture
def trainable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passes(), "toy_cut", Cut())
    monkeypatch.setitem(passes(), "toy_teach", Teach())


def machine(recipe: Recipe, asked: SearchContext) -> Trial:
    """Return what is measured where factors multiply and shrinking costs the more the more of it is done."""
    cut = sum(step.params.get("share", 0.3) for step in recipe.steps if step.pass_id == "toy_cut")
    cut += sum(step.params["ratio"] for step in recipe.steps if step.pass_id == "prune_channels")
    speed = SPEED.get(recipe.target.runtime_id, 1.0) / (1 - cut)
    for step in recipe.steps:
        speed *= SPEED.get(step.pass_id, 1.0)
    trained = any(isinstance(get_pass(step.pass_id), Trainer) for step in recipe.steps)
    loss = (4 * log(1 / (1 - cut)) ** 2 if trained else 60 * cut**1.5) if cut else 0.0
    loss += 0.2 * any(step.pass_id.startswith("int8") for step in recipe.steps)
    loss += 8 * any(step.pass_id == "prune_magnitude" for step in recipe.steps)
    interval, allowed = Interval(speed, speed * 0.99, speed * 1.01), asked.request.limits.max_drop
    return Trial(
        recipe,
        CandidateStatus.DONE,
        interval,
        10 / speed,
        loss,
        allowed is None or loss <= allowed,
        1,
        interval,
        seconds=330.0 if trained else 12.0,
    )


def context(
    start: Sequence[str] = START, max_drop: float | None = 1.0, budget_s: float | None = None, seed: int = 0
) -> SearchContext:
    request = RunRequest(
        "m",
        "d",
        recipes=tuple(map(parse, start)),
        strategy="search",
        limits=Limits(max_drop=max_drop),
        budget_s=budget_s,
        seed=seed,
    )
    return SearchContext(request, NETWORK, ENVIRONMENT, ("onnxruntime", "openvino"))


def search(asked: SearchContext, most: int = 12, seconds: float = 1e9) -> list[Trial]:
    history = [machine(BASELINE, asked)]
    while sum(trial.seconds for trial in history) < seconds:
        recipe = STRATEGY.propose(asked, history, SearchParams(most))
        if recipe is None:
            break
        history.append(machine(recipe, asked))
    return history


def added(history: Sequence[Trial], start: Sequence[str] = START) -> list[str]:
    return [spell(trial.recipe) for trial in history[1 + len(start) :]]


def best(history: Sequence[Trial]) -> Trial:
    return max(
        (each for each in history if each.within), key=lambda each: each.gain.value if each.gain else 0
    )


def test_the_start_comes_first_and_is_all_that_is_known_beforehand() -> None:
    proposals = Proposals(context().request, NETWORK, ENVIRONMENT, ("onnxruntime", "openvino"))
    assert [spell(each) for each in proposals.foreseen(BASELINE)] == list(START)
    assert proposals.most == SearchParams().most


def test_without_recipes_it_starts_from_the_preset() -> None:
    bare = replace(context(), request=RunRequest("m", strategy="search"))
    assert STRATEGY.propose(bare, [Trial(BASELINE)], SearchParams()) == parse("bf16@openvino")


def test_it_finds_a_faster_chain_within_the_limit(trainable: None) -> None:
    history = search(context(), most=20)
    start = history[: 1 + len(START)]
    assert best(history).speedup.value > 1.25 * best(start).speedup.value  # type: ignore[union-attr]
    found = {step.pass_id for step in best(history).recipe.steps}
    assert found >= {"toy_cut", "toy_teach", "bf16"}


def test_speed_is_probed_before_a_training_is_paid_for(trainable: None) -> None:
    history = search(context(budget_s=1200.0), most=40, seconds=1200.0)
    trained = [each for each in history if "toy_teach" in spell(each.recipe)]
    first = next(index for index, each in enumerate(history) if each is trained[0])
    probes = [each for each in history[:first] if Chain.of(each.recipe).shrinking]
    assert 1 <= len(probes) <= 4
    assert 1 <= len(trained) <= 4
    assert sum(each.seconds for each in history[:first]) < 0.5 * 1200
    assert best(history) in trained
    assert best(history).gain.value > 1.25 * max(  # type: ignore[union-attr]
        each.gain.value for each in history if each.within and each not in trained and each.gain
    )


def test_losses_in_another_unit_lead_to_the_same_search(trainable: None) -> None:
    points = context(budget_s=1200.0)
    limits = replace(points.request.limits, max_drop=0.05)
    other = replace(points, request=replace(points.request, limits=limits), point=0.05)
    recipes = []
    for asked in (points, other):
        history = [machine(BASELINE, points)]
        while recipe := STRATEGY.propose(asked, history, SearchParams(6)):
            found = machine(recipe, points)
            history.append(replace(found, loss=(found.loss or 0.0) * asked.point))
        recipes.append([spell(each.recipe) for each in history])
    assert recipes[0] == recipes[1]
    assert "toy_teach" in " ".join(recipes[0])


def test_a_budget_of_half_a_minute_is_for_conversions(trainable: None) -> None:
    asked = context(budget_s=60.0)
    history = search(asked, seconds=60.0)
    assert len(history) > len(START)
    assert not any("toy_teach" in spell(each.recipe) for each in history)


def test_a_limit_that_pruning_alone_breaks_is_not_tried_again_and_again() -> None:
    tried = added(search(context(max_drop=0.3), most=20))
    assert sum("prune_channels" in each for each in tried) <= 6


def test_after_the_first_training_no_time_goes_to_networks_of_unknown_speed(trainable: None) -> None:
    history = search(context(budget_s=1200.0), most=40, seconds=1200.0)
    kinds = [Chain.of(each.recipe) for each in history[1:]]
    first = next(index for index, each in enumerate(kinds) if each.trains_long)
    assert not [each for each in kinds[first:] if each.shrinking and not each.training]


def test_a_trained_network_may_be_trained_on(trainable: None) -> None:
    asked = context()
    done = [
        machine(parse(each), asked) for each in ("bf16@openvino", "toy_cut:share=0.3+toy_teach+bf16@openvino")
    ]
    found = [each for each in space(asked, [machine(BASELINE, asked), *done]) if len(each.training) > 1]
    assert [spell(each.recipe(asked)) for each in found] == [
        "toy_cut:share=0.3+toy_teach+toy_teach+bf16@openvino"
    ]


def test_correcting_statistics_is_tried_as_suggested_and_widely_where_it_helps(
    trainable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(passes(), "toy_correct", Correct())
    asked, corrected = context(), parse("toy_cut+toy_correct@openvino")
    base = [machine(BASELINE, asked), machine(parse("bf16@openvino"), asked)]

    def chains(*more: Trial) -> list[str]:
        recipes = [each.recipe(asked) for each in space(asked, [*base, *more])]
        return [spell(each) for each in recipes if each and "toy_correct" in spell(each)]

    failed, helped = (replace(machine(corrected, asked), within=within) for within in (False, True))
    assert chains() == chains(failed) == [spell(corrected)]
    assert len(chains(helped)) > 5


def test_a_technique_that_always_fails_is_given_up() -> None:
    asked, history = context(), [machine(BASELINE, context())]
    while len(history) < 30:
        recipe = STRATEGY.propose(asked, history, SearchParams(25))
        if recipe is None:
            break
        broken = any(step.pass_id == "prune_channels" for step in recipe.steps)
        history.append(Trial(recipe, CandidateStatus.FAILED) if broken else machine(recipe, asked))
    assert sum(trial.status is CandidateStatus.FAILED for trial in history) <= 4


def test_where_nothing_of_the_start_worked_suggestions_follow_in_their_order() -> None:
    broken = [machine(BASELINE, context()), Trial(parse("bf16@openvino"), CandidateStatus.FAILED)]
    assert STRATEGY.propose(context(["bf16@openvino"]), broken, SearchParams()) == parse("@openvino")


def test_nothing_left_ends_it() -> None:
    history = search(context(max_drop=0.0), most=100)
    assert len(history) < 60
    assert STRATEGY.propose(context(max_drop=0.0), history, SearchParams(100)) is None


def test_it_waits_for_what_is_not_measured_yet() -> None:
    history = [machine(BASELINE, context()), *(machine(parse(each), context()) for each in START)]
    history[-1] = Trial(history[-1].recipe, CandidateStatus.MEASURING)
    assert STRATEGY.propose(context(), history, SearchParams()) is None


def test_a_resumed_search_goes_on_as_it_would_have_and_repeats_nothing() -> None:
    whole = search(context(), most=5)
    recipes = [spell(trial.recipe) for trial in whole]
    assert len(recipes) == len(set(recipes)) > 1 + len(START)
    for count in range(1, len(whole)):
        assert STRATEGY.propose(context(), whole[:count], SearchParams(5)) == whole[count].recipe


def test_it_beats_random_order_and_has_most_of_its_front_in_half_of_the_tries() -> None:
    wins = 0
    for seed in range(5):
        asked = context(max_drop=2.0, seed=seed)
        start = [machine(parse(each), asked) for each in ("@onnxruntime", *START)]
        known = [each for each in space(asked, start) if each.recipe(asked)]
        table = random.Random(seed).sample(known, 40)
        volumes = {}
        for how in ("search", "random"):
            rest = list(table)
            history = [machine(BASELINE, asked), machine(parse("@openvino"), asked)]
            for _ in range(16):
                recipe = chosen(asked, history, rest) if how == "search" else None
                recipe = recipe or rest[0].recipe(asked)
                assert recipe is not None
                rest = [each for each in rest if each.recipe(asked) != recipe]
                history.append(machine(recipe, asked))
            volumes[how] = [_volume(history[:count]) for count in range(2, len(history) + 1)]
        wins += volumes["search"][8] > volumes["random"][8] or volumes["search"][8] == max(volumes["search"])
        assert volumes["search"][8] >= 0.9 * volumes["search"][-1]
    assert wins >= 4


def _volume(history: Sequence[Trial]) -> float:
    points = [(log(each.gain.value), each.loss) for each in history if each.gain and each.loss is not None]
    return hypervolume(points, 2.0)


def test_what_other_models_showed_is_tried_first(trainable: None) -> None:
    asked = context(["@openvino"], max_drop=None)
    history = [machine(BASELINE, asked), machine(parse("@openvino"), asked)]
    names = ("@openvino", "int8_static_ort@onnxruntime", "int8_dynamic@onnxruntime", "@onnxruntime")

    def first(fast: str) -> str:
        seen = [
            replace(machine(parse(each), asked), gain=Interval(1.0, 1.0, 1.0), loss=0.0) for each in names
        ]
        there = replace(machine(parse(fast), asked), gain=Interval(exp(2), 7.0, 8.0), loss=0.0)
        recipe = STRATEGY.propose(replace(asked, priors=(*seen, *[there] * 3)), history, SearchParams())
        assert recipe is not None
        return spell(recipe)

    assert "int8_static_nncf" in first("int8_static_nncf@openvino")
    assert "fp16" in first("fp16@onnxruntime")


def test_a_chain_is_taken_apart_and_put_together_again(trainable: None) -> None:
    spelled = "toy_cut:share=0.3+toy_teach+int8_static_nncf+bf16@openvino"
    chain = Chain.of(parse(spelled))
    assert [step.pass_id for step in chain.shrinking] == ["toy_cut"]
    assert [step.pass_id for step in chain.training] == ["toy_teach"]
    recipe = chain.recipe(context())
    assert recipe is not None
    assert Chain.of(recipe) == chain


def trained(recipe: Recipe, asked: SearchContext, history: Sequence[Trial]) -> Trial:
    """Return what `machine` measures where longer trainings leave less, as much as the schedule gives."""
    found, chain = machine(recipe, asked), Chain.of(recipe)
    time = Schedule(asked, history, [Chain.of(each.recipe) for each in history[1:]])
    if not chain.trains_long or time.there(chain):
        return replace(found, seconds=10.0)
    seconds = time.seconds(chain)
    loss = 1.5 * (found.loss or 0.0) * time.toil(chain) * (1.4 if seconds < 200 else 1.0)
    return replace(found, loss=loss, within=loss <= 1.0, seconds=seconds, trained_s=seconds - 10, loss_sd=0.3)


def test_strengths_are_tried_for_a_while_and_the_best_is_trained_on(trainable: None) -> None:
    asked = context(budget_s=1200.0)
    history = [machine(BASELINE, asked)]
    while (recipe := STRATEGY.propose(asked, history, SearchParams(40))) is not None:
        history.append(trained(recipe, asked, history))
    long = [each for each in history if each.trained_s]
    assert 2 <= len(long) <= 4
    *short, last = long
    assert all(each.seconds < 0.15 * 1200 for each in short)
    assert last.seconds > 0.4 * 1200
    assert Chain.of(last.recipe).continues
    assert best(history).gain == last.gain  # in any of its precisions
    assert sum(each.seconds for each in history) <= 1200.0
