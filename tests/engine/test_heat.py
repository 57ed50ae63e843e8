"""The final heat: the best candidates once more, before anything is recommended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.domain.run import RunRequest, RunStatus
from core.engine import recover, resume, submit
from core.store.store import Store
from core.views import RunView
from tests.engine.conftest import ended, kill_worker, measured, wait

Make = Callable[..., RunRequest]


def in_heat(view: RunView) -> bool:
    return view.run.stage.startswith("Final heat")


def heats(store: Store, run_id: str) -> list[list[str]]:
    """Return the candidates of each final heat of a run."""
    return [event.data["candidates"] for event in store.events.since(run_id) if event.kind == "heat"]


@pytest.mark.slow
def test_a_worker_killed_in_the_final_heat_goes_on_there(
    store: Store, request_for: Make, data_dir: Path
) -> None:
    # It is about as fast as the baseline, so that the heat has something to decide.
    run = submit(store, request_for("fp16@onnxruntime"))
    wait(store, run.id, in_heat, seconds=300)
    before = measured(store, run.id)
    kill_worker(data_dir)
    recover(store)
    assert store.runs.get(run.id).status is RunStatus.INTERRUPTED
    resume(store, run.id)
    view = wait(store, run.id, ended, seconds=300)
    assert view.run.status is RunStatus.DONE
    assert measured(store, run.id) == before
    assert heats(store, run.id) == [[row.id for row in view.candidates]]
    for row in view.candidates:
        result = row.candidate.result
        assert result is not None
        assert result.timing.moments == 2
    baseline = view.baseline.candidate.result
    assert baseline is not None
    assert view.control == baseline.timing.speedup
