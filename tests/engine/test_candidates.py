"""What a run keeps of its candidates while they are worked on, in the order in which it happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.events import EventKind
from core.domain.run import CandidateStatus
from core.engine.candidates import Candidates
from core.store.store import Store
from core.work.host_turn import BEGUN, WAITING
from tests.store.values import a_request, some_candidates


@pytest.fixture
def candidates(store: Store) -> Candidates:
    """Return those of a claimed run, the first of which is being built."""
    rows = some_candidates(store, 2)
    store.runs.create(a_request(store), "a run", rows)
    run = store.work.claim("w")
    assert run is not None
    found = Candidates(store, run, "w", store.models.get(run.request.model_id), lambda waiting: len(waiting))
    found.building(found.all()[0])
    return found


def kinds(store: Store, candidates: Candidates) -> list[EventKind]:
    events = store.events.since(candidates.current.run_id)
    return [event.kind for event in events if event.candidate == candidates.current.id]


def test_what_was_found_built_is_said_before_what_was_built_on_it(
    store: Store, candidates: Candidates
) -> None:
    candidates.on_built("export_onnx", None)
    candidates.on_built("optimize_onnx", None)
    candidates.on_step("int8_dynamic")
    candidates.on_built("int8_dynamic", 2.0)
    candidates.measuring("artifact")
    assert kinds(store, candidates) == [EventKind.CACHED, EventKind.BUILT]
    cached = next(each for each in store.events.since(candidates.current.run_id) if each.kind == "cached")
    assert cached.data == {"steps": ["export_onnx", "optimize_onnx"]}


def test_what_was_found_built_as_a_whole_is_said_before_it_is_measured(
    store: Store, candidates: Candidates
) -> None:
    candidates.on_built("export_onnx", None)
    candidates.measuring("artifact")
    assert kinds(store, candidates) == [EventKind.CACHED]
    assert (candidates.current.status, candidates.doing) == (CandidateStatus.MEASURING, "measuring")


def test_an_artifact_that_is_built_again_for_the_final_heat_leaves_the_last_candidate_alone(
    store: Store, candidates: Candidates
) -> None:
    first, last = candidates.all()
    candidates.building(last)
    candidates.current = replace(first, status=CandidateStatus.DONE)
    candidates.on_step("export_onnx")
    assert [each.status for each in store.candidates.list(first.run_id)] == ["done", "waiting"]


def test_what_a_measurement_waits_for_is_said_at_once(store: Store, candidates: Candidates) -> None:
    candidates.measuring("artifact")
    for said in (WAITING, BEGUN):
        candidates.on_progress(said)
        stage = store.runs.get(candidates.current.run_id).stage
        assert stage == f"Measuring {candidates.current.name}: {said.message}"
