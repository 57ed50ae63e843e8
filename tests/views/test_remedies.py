from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.recipe import Recipe, Step, Target
from core.domain.run import CandidateStatus, RunStatus
from core.engine import open_store
from core.errors import ErrorRecord, PassNotApplicable, from_record
from core.views import Row, RunView, remedy, run_view
from tests.pages import seed


@pytest.fixture
def view(data_dir: Path) -> RunView:
    with open_store() as store:
        seed.run(store, "done", RunStatus.DONE)
        found = run_view(store, "done")
    return replace(found, run=replace(found.run, request=replace(found.run.request, budget_s=60.0, batch=8)))


def broken(view: RunView, code: str, status: CandidateStatus, **more: str) -> Row:
    row = view.candidates[-1]
    recipe = Recipe((Step("export_onnx"), Step("int8_static_ort")), Target("onnxruntime", batch=8))
    error = ErrorRecord(code, "No.", **more)
    return replace(row, candidate=replace(row.candidate, recipe=recipe, status=status, error=error))


def test_what_had_no_time_is_tried_without_a_budget(view: RunView) -> None:
    row = broken(view, "over_budget", CandidateStatus.SKIPPED)
    found = remedy(view, [row, row])
    assert found is not None
    assert found.label == "Try these 2 without a time budget"
    assert (found.request.budget_s, len(found.request.recipes)) == (None, 2)


def test_what_had_no_memory_is_tried_with_a_smaller_batch(view: RunView) -> None:
    found = remedy(view, [broken(view, "out_of_memory", CandidateStatus.FAILED)])
    assert found is not None
    assert (found.request.batch, found.request.recipes[0].target.batch) == (1, 1)


def test_the_technique_that_a_refusal_names_takes_the_place_of_the_one_refused(view: RunView) -> None:
    row = broken(view, "not_applicable", CandidateStatus.SKIPPED, stage="int8_static_ort", instead="fp16")
    found = remedy(view, [row])
    assert found is not None
    assert found.label == "Try FP16 instead"
    assert [step.pass_id for step in found.request.recipes[0].steps] == ["export_onnx", "fp16"]
    unknown = broken(view, "not_applicable", CandidateStatus.SKIPPED, instead="gone")
    assert remedy(view, [unknown]) is None


def test_what_failed_for_no_known_reason_can_be_tried_again_and_a_refusal_not(view: RunView) -> None:
    again = remedy(view, [broken(view, "child_crashed", CandidateStatus.FAILED)])
    assert again is not None
    assert again.label.endswith("again")
    assert remedy(view, [broken(view, "not_applicable", CandidateStatus.SKIPPED)]) is None


def test_an_error_keeps_what_may_work_instead() -> None:
    record = PassNotApplicable("No.", instead="fp16").to_record("x")
    assert from_record(record).instead == record.instead == "fp16"
