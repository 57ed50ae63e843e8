"""Runs from the click to the front, with a real worker."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.domain.run import CandidateStatus, RunRequest, RunStatus
from core.engine import accuracy_detail_of, cancel, delete, kit_name, kit_path, recover, resume, submit
from core.errors import InvalidRequest, NotFound
from core.search import recipe_files
from core.store.store import Store
from core.views import RunView, results
from tests.engine.conftest import RECIPES, ended, kill_worker, measured, wait

Make = Callable[..., RunRequest]


def test_a_killed_run_goes_on_measures_each_candidate_once_and_its_kit_proves_itself(
    store: Store, request_for: Make, data_dir: Path, tmp_path: Path
) -> None:
    run = submit(store, request_for())
    wait(store, run.id, lambda view: len(measured(store, run.id)) == 2)
    kill_worker(data_dir)
    recover(store)
    before = measured(store, run.id)
    assert store.runs.get(run.id).status is RunStatus.INTERRUPTED
    resume(store, run.id)
    view = wait(store, run.id, ended)
    assert view.run.status is RunStatus.DONE
    after = measured(store, run.id)
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == len(view.candidates)
    check_figures(store, view)
    live = store.live.get(run.id)
    assert live is not None
    assert live.candidate_id == view.candidates[-1].id
    assert 0 < len(live.ms) <= live.calls
    kit = kit_path(store, view.candidates[1].id)
    assert kit_name(store, view.candidates[1].id) == "model-fp32-openvino.zip"
    verify(kit, tmp_path / "kit")
    taken = recipe_files.read(tmp_path / "kit" / "recipe.yaml")
    assert recipe_files.fitted(taken, view.model) == view.candidates[1].candidate.recipe
    delete(store, run.id)
    assert not kit.exists()
    with pytest.raises(NotFound):
        store.runs.get(run.id)


def check_figures(store: Store, view: RunView) -> None:
    """Every candidate was measured, and is placed against the baseline."""
    assert [row.status for row in view.candidates] == ["done"] * (1 + len(RECIPES))
    assert view.control is not None
    assert view.control.low <= view.control.high
    for row in view.candidates:
        assert row.latency_ms is not None
        assert row.accuracy is not None
        assert row.accuracy > 80
        detail, quality = (
            accuracy_detail_of(store, row.id),
            row.candidate.result and row.candidate.result.accuracy,
        )
        assert detail is not None
        assert quality is not None
        assert detail.flips is not None
        assert (detail.samples, detail.flips.total) == (quality.samples, quality.flips)
        assert row.speedup is not None
        if row.candidate.position:
            baseline = view.baseline.latency_ms
            assert baseline is not None
            assert row.latency_ms.value == pytest.approx(baseline.value / row.speedup.value)
    assert results(store, view)["candidates"][1]["latency_ms"]["runs"] > 11


def verify(kit: Path, folder: Path) -> None:
    """It proves itself outside."""
    zipfile.ZipFile(kit).extractall(folder)
    done = subprocess.run([sys.executable, "verify.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "whole and works" in done.stdout


def test_a_cancelled_run_keeps_what_it_has_and_goes_on_when_asked(store: Store, request_for: Make) -> None:
    run = submit(store, request_for("@openvino"))
    wait(store, run.id, lambda view: len(measured(store, run.id)) == 1)
    cancel(store, run.id)
    view = wait(store, run.id, ended, seconds=15)
    assert view.run.status is RunStatus.CANCELLED
    assert view.candidates[0].status == "done"
    assert "waiting" in {row.status for row in view.candidates}
    resume(store, run.id)
    assert wait(store, run.id, ended).run.status is RunStatus.DONE


def test_a_spent_budget_skips_the_rest_with_the_reason(store: Store, request_for: Make) -> None:
    run = submit(store, request_for(budget_s=8.0))
    view = wait(store, run.id, ended)
    assert view.run.status is RunStatus.DONE
    skipped = [row.candidate for row in view.candidates if row.status == "skipped"]
    assert skipped
    assert all(each.error is not None and each.error.code == "over_budget" for each in skipped)
    assert measured(store, run.id) == [row.id for row in view.candidates if row.status == "done"]
    assert not any(row.status == "done" for row in view.candidates[skipped[0].position :])


@pytest.mark.slow
def test_two_people_at_once_wait_in_line(store: Store, request_for: Make) -> None:
    runs = [submit(store, request_for("@openvino"), name) for name in ("one", "two")]
    views = [wait(store, run.id, ended) for run in runs]
    assert [view.run.status for view in views] == [RunStatus.DONE, RunStatus.DONE]
    first, second = (view.run for view in views)
    assert first.finished is not None
    assert second.started is not None
    assert first.finished <= second.started


def test_a_technique_that_finds_nothing_is_a_row_with_its_reason(store: Store, request_for: Make) -> None:
    # No convolution is left to shrink in a tabular network whose graph was already quantized.
    view = wait(store, submit(store, request_for("int8_dynamic+int8_dynamic@onnxruntime")).id, ended)
    last = view.candidates[-1].candidate
    assert last.status is CandidateStatus.SKIPPED
    assert last.error is not None
    assert (last.error.code, last.error.stage) == ("not_applicable", "int8_dynamic")
    assert last.error.message
    assert view.run.status is RunStatus.DONE


@pytest.mark.parametrize(
    ("recipe", "changes", "part"),
    [
        ("export_onnx@onnxruntime", {}, "takes pt2 or state_dict or torchscript, not onnx"),
        ("@pytorch", {}, "PyTorch eager runs"),
        ("@openvino", {"threads": 0}, "0 threads"),
        ("@openvino", {"batch": 0}, "batch 0"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(
    store: Store, request_for: Make, recipe: str, changes: dict[str, int], part: str
) -> None:
    with pytest.raises(InvalidRequest, match=part):
        submit(store, request_for(recipe, **changes))
    assert store.runs.list() == ()


def test_an_active_run_is_not_deleted(store: Store, request_for: Make) -> None:
    run = submit(store, request_for("@openvino"))
    with pytest.raises(InvalidRequest):
        delete(store, run.id)
    cancel(store, run.id)
    wait(store, run.id, ended, seconds=15)
