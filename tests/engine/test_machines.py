"""A run on several kinds of machine; figures are made up, all else is the engine's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from core.domain.events import EventKind
from core.domain.model import FileRef
from core.domain.quality import Quality
from core.domain.recipe import Recipe, Target
from core.domain.run import Candidate, CandidateStatus, Result, RunRequest, RunStatus
from core.engine.execute import execute
from core.engine.measuring import _check_axis
from core.engine.planning import plan
from core.engine.submit import submit
from core.errors import InvalidRequest, RuntimeFailed
from core.registry import strategies
from core.store.store import Store
from core.work.local import LocalExecutor
from core.work.stop import Stop
from tests.engine.test_strategies import OneMoreThread
from tests.factories import ENVIRONMENT, model, result
from tests.pages import seed

KINDS = ("amd", "intel")
RECIPES = (Recipe((), Target("openvino")), Recipe((), Target("openvino", threads=2)))
Heat = tuple[tuple[str, int], ...]


class Measurer:
    """Gives made-up figures, and remembers what was measured against what."""

    broken: ClassVar[tuple[str, int]] = ("", -1)

    def __init__(self, *args: object, **more: object) -> None:
        self.round_s = 0.1

    def prepare(self, baseline: Candidate) -> None:
        pass

    def close(self) -> None:
        pass

    def measure(
        self, candidate: Candidate, artifact: object, baseline: Candidate, plan: object, last: bool = True
    ) -> Result:
        assert (candidate.machine, baseline.position) == (baseline.machine, 0)
        if (candidate.machine, candidate.position) == self.broken:
            raise RuntimeFailed("The node has no such library.")
        figures = result(1.0 + candidate.position + KINDS.index(candidate.machine))
        return replace(figures, search=Quality(None, figures.fidelity))


@pytest.fixture(autouse=True)
def heats(monkeypatch: pytest.MonkeyPatch) -> list[Heat]:
    """Make this machine two kinds of machine; return what each final heat holds against each other."""
    held: list[Heat] = []

    def heat(*args: Any) -> list[Candidate]:
        entries: Sequence[tuple[Candidate, object]] = args[3]
        held.append(tuple((each.machine, each.position) for each, _ in entries))
        return [each for each, _ in entries]

    executing = sys.modules["core.engine.execute"]
    monkeypatch.setattr(executing, "Measurer", Measurer)
    monkeypatch.setattr(executing, "run_final_heat", heat)
    monkeypatch.setattr(sys.modules["core.engine.submit"], "ensure_worker", lambda: None)
    known = {"amd": replace(ENVIRONMENT, cpu="amd"), "intel": replace(ENVIRONMENT, cpu="intel", isa=())}
    monkeypatch.setattr(LocalExecutor, "machines", lambda _: known)
    return held


@pytest.fixture
def request_for(store: Store) -> Callable[..., RunRequest]:
    network = store.models.add(model("onnx", files=(FileRef("model.onnx", "0" * 64, 1),)))
    inputs = store.data.add(replace(seed.data(store), id="searchable", search_samples=300))

    def make(**changes: object) -> RunRequest:
        wanted: dict[str, Any] = {"recipes": RECIPES, "measure_on": KINDS, **changes}
        return RunRequest(network.id, inputs.id, **wanted)

    return make


def worked(store: Store, request: RunRequest) -> list[Candidate]:
    run = submit(store, request)
    claimed = store.work.claim("w")
    assert claimed is not None
    execute(store, claimed, "w", Stop())
    assert (store.runs.get(run.id).status, store.runs.get(run.id).error) == (RunStatus.DONE, None)
    return list(store.candidates.list(run.id))


def test_every_recipe_is_measured_on_every_kind_against_the_baseline_of_that_kind(
    store: Store, request_for: Callable[..., RunRequest], heats: list[Heat]
) -> None:
    found = worked(store, request_for())
    assert sorted((each.position, each.machine) for each in found) == [
        (position, kind) for position in range(3) for kind in KINDS
    ]
    assert {each.status for each in found} == {CandidateStatus.DONE}
    assert len({each.id for each in found}) == 6
    assert len({each.artifact_id for each in found}) == 1, "it is built once"
    assert sorted(heats) == [tuple((kind, at) for at in (0, 2, 1)) for kind in KINDS]


def test_a_kind_whose_baseline_fails_is_left_out_with_the_reason(
    store: Store,
    request_for: Callable[..., RunRequest],
    heats: list[Heat],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Measurer, "broken", ("amd", 0))
    found = worked(store, request_for(strategy="", recipes=RECIPES[:1]))
    told = {(each.machine, each.position): (each.status, each.error) for each in found}
    assert told["intel", 1] == (CandidateStatus.DONE, None)
    assert told["amd", 0][0] is CandidateStatus.FAILED
    status, error = told["amd", 1]
    assert status is CandidateStatus.SKIPPED
    assert error is not None
    assert "on amd" in error.message
    assert "no such library" in error.message
    assert [held[0][0] for held in heats] == ["intel"]


def test_a_strategy_sees_one_kind_and_adds_to_all(
    store: Store, request_for: Callable[..., RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(strategies(), "one_more", OneMoreThread())
    found = worked(store, request_for(strategy="one_more", recipes=()))
    positions = {kind: [each.position for each in found if each.machine == kind] for kind in KINDS}
    assert positions == {kind: [0, 1, 2, 3, 4] for kind in KINDS}
    run_id = found[0].run_id
    proposed = [event for event in store.events.since(run_id) if event.kind is EventKind.PROPOSED]
    assert len(proposed) == 3


def test_what_a_machine_cannot_do_is_refused_there_alone(
    store: Store, request_for: Callable[..., RunRequest]
) -> None:
    planned = plan(store, request_for(recipes=(), preset="quick")).candidates
    bf16 = {each.machine: each.status for each in planned if each.name == "BF16 · OpenVINO"}
    assert bf16 == {"amd": CandidateStatus.WAITING, "intel": CandidateStatus.SKIPPED}


def test_a_kind_that_is_not_there_is_refused_with_those_that_are(
    store: Store, request_for: Callable[..., RunRequest]
) -> None:
    with pytest.raises(InvalidRequest, match="'arm'") as caught:
        submit(store, request_for(measure_on=("amd", "arm")))
    assert caught.value.hint == "Choose among: amd, intel."


def test_figures_of_another_processor_than_the_baselines_are_refused() -> None:
    _check_axis(replace(ENVIRONMENT, load_before=3.0), ENVIRONMENT)
    with pytest.raises(RuntimeFailed, match="cannot be compared") as caught:
        _check_axis(replace(ENVIRONMENT, cpu="Other CPU"), ENVIRONMENT)
    assert "--measure-on" in caught.value.hint
