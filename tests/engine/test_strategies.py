"""Candidates that a strategy adds while a run goes on; figures are made up, all else is the engine's own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from core.bench.timing.interleaving import MeasurementPlan
from core.domain.events import EventKind
from core.domain.model import FileRef
from core.domain.quality import Quality
from core.domain.recipe import Artifact, Recipe, Target
from core.domain.run import Candidate, CandidateStatus, Result, Run, RunRequest, RunStatus
from core.domain.technique import NoParams
from core.domain.trial import Trial
from core.engine.building import Builder
from core.engine.execute import execute
from core.engine.pacing import Pacing
from core.engine.planning import plan
from core.engine.submit import submit
from core.errors import InvalidRequest
from core.protocols import SearchContext
from core.registry import strategies
from core.search.spelling import parse
from core.store.store import Store
from core.views import run_view
from core.work.stop import Stop
from tests.factories import model, result
from tests.pages import seed

Make = Callable[..., RunRequest]


class Killed(BaseException):
    """Stands for kill -9: no handler of the engine sees it."""


class OneMoreThread:
    """Proposes one recipe, and after each result one with another thread; the third cannot work."""

    id, name, summary, Params = "one_more", "One more", "", NoParams
    count = 4

    def propose(self, context: SearchContext, history: Sequence[Trial], params: NoParams) -> Recipe | None:
        if len(history) > self.count or not all(each.status.final for each in history[1:]):
            return None
        done = [each for each in history if each.status is CandidateStatus.DONE]
        assert all(each.speedup is not None and each.loss is not None for each in done)
        assert all(each.loss != -5.0 for each in done), "that is of the test"
        runtime = "torchscript" if len(history) == 3 else "openvino"
        return Recipe((), Target(runtime, "cpu", len(history)))

    def most(self, params: NoParams) -> int:
        return self.count - 1


class Measurer:
    """Gives made-up figures, and is killed or cancelled at the `ends`-th."""

    seen: ClassVar[list[str]] = []
    ends: tuple[int, Callable[[], None]] | None = None
    round_s = 0.1

    def __init__(self, *args: object, **more: object) -> None:
        pass

    def prepare(self, baseline: Candidate) -> None:
        pass

    def close(self) -> None:
        pass

    def measure(
        self,
        candidate: Candidate,
        artifact: object,
        baseline: Candidate,
        plan: MeasurementPlan,
        *more: object,
    ) -> Result:
        self.seen.append(candidate.id)
        if self.ends is not None and len(self.seen) == self.ends[0]:
            self.ends[1]()
        figures = result(1.0 + candidate.position, drop=(-5.0, -5.0, -5.0))
        return replace(figures, search=Quality(None, figures.fidelity))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    executing = sys.modules["core.engine.execute"]
    monkeypatch.setattr(executing, "Measurer", Measurer)
    monkeypatch.setattr(executing, "run_final_heat", lambda *args: [entry[0] for entry in args[3]])
    monkeypatch.setattr(sys.modules["core.engine.submit"], "ensure_worker", lambda: None)
    monkeypatch.setitem(strategies(), "one_more", OneMoreThread())
    monkeypatch.setattr(Measurer, "seen", [])


@pytest.fixture
def request_for(store: Store) -> Make:
    """Return a function that makes a request; the model is never opened."""
    network = store.models.add(model("onnx", files=(FileRef("model.onnx", "0" * 64, 1),)))
    inputs = store.data.add(replace(seed.data(store), id="searchable", search_samples=300))

    def make(**changes: object) -> RunRequest:
        return RunRequest(network.id, inputs.id, strategy="one_more", **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def run(store: Store, request_for: Make) -> Run:
    return submit(store, request_for())


def work(store: Store, stop: Stop | None = None) -> None:
    claimed = store.work.claim("w")
    assert claimed is not None
    execute(store, claimed, "w", stop or Stop())


def kinds(store: Store, run: Run) -> list[EventKind]:
    return [event.kind for event in store.events.since(run.id)]


def check_whole(store: Store, run: Run) -> None:
    found = store.candidates.list(run.id)
    assert [each.recipe.target.threads for each in found[1:]] == [1, 2, 3, 4]
    assert [str(each.status) for each in found] == ["done", "done", "done", "skipped", "done"]
    assert [each.position for each in found] == [0, 1, 2, 3, 4]
    assert len({each.id for each in found}) == 5
    assert store.runs.get(run.id).status is RunStatus.DONE
    assert kinds(store, run).count(EventKind.PROPOSED) == 3


def test_what_may_be_added_counts_in_the_plan(store: Store, request_for: Make) -> None:
    planned = plan(store, request_for())
    assert (planned.count, planned.most_more) == (1, 3)
    alone = plan(store, replace(request_for(), strategy="", recipes=(planned.candidates[1].recipe,)))
    assert (alone.count, alone.most_more) == (1, 0)
    assert planned.estimate_s > 1.5 * alone.estimate_s


def test_candidates_come_while_the_run_goes_on(store: Store, run: Run) -> None:
    before = run_view(store, run.id)
    assert (before.progress.total, before.progress.more) == (1, 3)
    work(store)
    check_whole(store, run)
    view = run_view(store, run.id)
    assert (view.progress.done, view.progress.total, view.progress.more) == (3, 3, 0)
    assert kinds(store, run).count(EventKind.REFUSED) == 1


def test_data_without_rows_for_a_search_are_refused(store: Store, request_for: Make) -> None:
    with pytest.raises(InvalidRequest, match="no rows to search with"):
        plan(store, replace(request_for(), data_id="seed-data"))


def test_a_strategy_may_know_nothing_beforehand(
    store: Store, request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose = OneMoreThread.propose

    def later(self: OneMoreThread, *asked: Any) -> Recipe | None:
        return propose(self, *asked) if asked[1][0].status.final else None

    monkeypatch.setattr(OneMoreThread, "propose", later)
    run = submit(store, request_for())
    assert len(store.candidates.list(run.id)) == 1
    work(store)
    assert len(store.candidates.list(run.id)) == 4
    assert store.runs.get(run.id).status is RunStatus.DONE


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_killed_run_goes_on_with_what_it_would_have_proposed(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    def kill() -> None:
        raise Killed

    monkeypatch.setattr(Measurer, "ends", (at, kill))
    with pytest.raises(Killed):
        work(store)
    store.work.mark_interrupted(-1.0)
    store.runs.resume(run.id)
    work(store)
    check_whole(store, run)
    assert len(Measurer.seen) == 5  # the one that was killed twice, all others once


def test_a_cancelled_run_keeps_what_was_proposed_and_goes_on_from_there(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Stop()
    monkeypatch.setattr(Measurer, "ends", (3, stop.set))
    work(store, stop)
    assert store.runs.get(run.id).status is RunStatus.CANCELLED
    assert len(store.candidates.list(run.id)) == 3
    store.runs.resume(run.id)
    work(store)
    check_whole(store, run)


@pytest.mark.parametrize(("labelled", "point"), [(True, 1.0), (False, 6.0)])
def test_a_strategy_is_told_what_a_loss_is_worth(
    store: Store, request_for: Make, monkeypatch: pytest.MonkeyPatch, labelled: bool, point: float
) -> None:
    told = set()

    def listening(self: OneMoreThread, context: SearchContext, *asked: Any) -> None:
        told.add(context.point)

    monkeypatch.setattr(OneMoreThread, "propose", listening)
    request = request_for()
    data = replace(store.data.get(request.data_id), id="told", labelled=labelled)  # type: ignore[arg-type]
    plan(store, replace(request, data_id=store.data.add(data).id))
    assert told == {point}


def test_what_comes_to_the_same_files_is_measured_once(
    store: Store, request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [parse(each) for each in ("optimize_onnx@onnxruntime", "fp16@onnxruntime", "fp16@openvino")]

    def these(
        self: OneMoreThread, context: object, history: Sequence[Trial], params: object
    ) -> Recipe | None:
        return dict(enumerate(listed, start=1)).get(len(history))

    def same(self: Builder, recipe: Recipe, *args: object) -> Artifact:
        return Artifact("same" if recipe.steps else "m", None, None, "onnx", ())

    monkeypatch.setattr(OneMoreThread, "propose", these)
    monkeypatch.setattr(Builder, "build", same)
    run = submit(store, request_for())
    work(store)
    found = store.candidates.list(run.id)
    assert [str(each.status) for each in found] == ["done", "done", "skipped", "done"]
    assert found[2].error is not None
    assert found[2].error.message == (
        "It comes to the same files as Graph optimization · ONNX Runtime, which is measured already."
    )
    assert len(Measurer.seen) == 3


def test_what_would_get_no_turn_is_not_proposed(store: Store, request_for: Make) -> None:
    run = submit(store, request_for(budget_s=60.0))
    work(store, Stop(time.monotonic() + 1.5))
    assert [str(each.status) for each in store.candidates.list(run.id)] == ["done", "skipped"]
    assert store.runs.get(run.id).status is RunStatus.DONE


def test_what_there_is_no_time_for_is_declined_and_something_shorter_asked_for(
    store: Store, request_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = Pacing.candidate

    def busy(self: Pacing, waiting: Sequence[Recipe], further: int = 0) -> object:
        return None if waiting[0].target.threads == 2 else candidate(self, waiting, further)

    def counted(self: OneMoreThread, context: object, history: Sequence[Trial], _: object) -> Recipe | None:
        told = history[0].status.final and len(history) < 4
        return Recipe((), Target("openvino", "cpu", len(history))) if told else None

    monkeypatch.setattr(Pacing, "candidate", busy)
    monkeypatch.setattr(OneMoreThread, "propose", counted)
    run = submit(store, request_for())
    work(store)
    assert [each.recipe.target.threads for each in store.candidates.list(run.id)[1:]] == [1, 3]


def test_a_strategy_that_breaks_ends_the_proposals_and_not_the_run(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(self: OneMoreThread, *args: object) -> Recipe:
        return Recipe((), Target("openvino", "cpu", 1))

    monkeypatch.setattr(OneMoreThread, "propose", twice)
    work(store)
    assert store.runs.get(run.id).status is RunStatus.DONE
    failed = [event for event in store.events.since(run.id) if event.kind is EventKind.STRATEGY_FAILED]
    assert [event.data["message"] for event in failed] == [
        "The strategy One more proposed a recipe for the second time."
    ]
