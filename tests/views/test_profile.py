"""Profiles as rows and as the document of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.api import measured_candidate, run_of
from core.cli import main
from core.cli.profile import _print
from core.domain.run import RunStatus
from core.engine.profiling import PROFILE, profile, stored_profile
from core.errors import InvalidRequest, NotFound
from core.serde import to_json
from core.store.store import Store
from core.views.profile import profile_document, profile_view
from tests.pages import seed
from tests.profiles import BASELINE, CANDIDATE


@pytest.fixture
def store() -> Store:
    made = Store()
    seed.run(made, "done", RunStatus.DONE)
    return made


def keep(store: Store, candidate_id: str, text: str, folder: Path) -> None:
    path = folder / PROFILE
    path.write_text(text)
    store.results.keep(candidate_id, store.blobs.add(path))


def test_rows_hold_the_baseline_s_time_with_what_was_fused() -> None:
    rows = profile_view(CANDIDATE, BASELINE).rows
    assert [row.theirs_ms for row in rows] == [None, pytest.approx(1.5), pytest.approx(2.1), None]
    assert rows[1].theirs is BASELINE.layers[0]


def test_notes_say_overhead_and_conversions_in_words() -> None:
    notes = " ".join(profile_view(CANDIDATE).notes)
    assert "25.0% of a call (250 µs) passes in no layer" in notes
    assert "1 change of memory layout takes 20 µs" in notes
    assert "1 change of number format takes 30 µs" in notes


def test_the_document_has_what_the_command_promises(store: Store) -> None:
    candidate = store.candidates.list("done")[1]
    found = json.loads(json.dumps(profile_document(candidate, profile_view(CANDIDATE, BASELINE))))
    assert {"name", "operator", "ms", "share", "precision", "macs"} <= set(found["layers"][0])
    assert sum(each["ms"] for each in found["layers"]) + found["overhead_ms"] == pytest.approx(
        found["latency_ms"]
    )


def test_a_stored_profile_is_found_again_and_a_broken_one_is_none(store: Store, tmp_path: Path) -> None:
    assert stored_profile(store, "done-1") is None
    keep(store, "done-1", to_json(CANDIDATE), tmp_path)
    assert stored_profile(store, "done-1") == CANDIDATE
    keep(store, "done-1", "{", tmp_path)
    assert stored_profile(store, "done-1") is None


def test_a_run_is_named_by_id_or_folder_and_a_candidate_by_id_or_name(store: Store, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"run": {"id": "done"}}')
    assert run_of(store, tmp_path) == run_of(store, "done") == "done"
    assert measured_candidate(store, "done", "done-2").position == 2
    assert measured_candidate(store, "done", "BF16 · OpenVINO").id == "done-1"
    assert measured_candidate(store, "done").result is not None
    with pytest.raises(NotFound):
        run_of(store, "nowhere")
    with pytest.raises(InvalidRequest, match="There is no results"):
        run_of(store, tmp_path.parent)
    with pytest.raises(NotFound, match="no measured candidate nobody") as missing:
        measured_candidate(store, "done", "nobody")
    assert "done-1" in missing.value.hint


def test_what_was_not_measured_or_has_no_profiler_is_refused_with_the_reason(store: Store) -> None:
    failed = next(each for each in store.candidates.list("done") if each.result is None)
    with pytest.raises(InvalidRequest, match="was not measured"):
        profile(store, failed.id)
    assert main(["profile", "done", "--candidate", failed.id]) == 2


def test_the_command_prints_a_readable_table(capsys: pytest.CaptureFixture[str]) -> None:
    _print("INT8", profile_view(CANDIDATE, BASELINE))
    said = capsys.readouterr().out
    assert "node_conv1" in said
    assert "50.0%" in said
    assert "passes in no layer" in said or "passes outside" in said
