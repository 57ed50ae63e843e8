"""The worker's heartbeat and its lock, where things go wrong around them."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.events import EventKind
from core.domain.model import SourceModel
from core.domain.run import Run, RunRequest, RunStatus
from core.engine import ahead, finish_training, structure, worker
from core.engine.execute import execute
from core.engine.structure import known_structure, read_ahead
from core.engine.worker import Heartbeat, _deadline, only_worker, recover
from core.errors import InvalidRequest, Paused
from core.settings import get_settings
from core.store.store import Store
from core.store.work import Pulse
from core.work.stop import Stop

Make = Callable[..., RunRequest]


@pytest.fixture
def claimed(store: Store, request_for: Make) -> Run:
    store.runs.create(request_for(), "run")
    run = store.work.claim("w1")
    assert run is not None
    return run


def test_a_cancel_is_seen_after_the_store_could_not_be_used(
    store: Store, claimed: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHETSTONE_HEARTBEAT_S", "0.05")
    get_settings.cache_clear()
    stop = Stop()
    heartbeat = Heartbeat(store, claimed, "w1", stop)
    _rename(store, "runs", "away")
    with caplog.at_level(logging.WARNING):
        heartbeat.start()
        assert not stop.event.wait(0.5)
    assert heartbeat.is_alive()
    assert "No heartbeat" in caplog.text
    _rename(store, "away", "runs")
    store.runs.request_cancel(claimed.id)
    assert stop.event.wait(10)
    heartbeat.join()
    assert store.runs.get(claimed.id).elapsed_s > 0.4


def test_a_training_is_asked_once_to_end_early(store: Store, claimed: Run) -> None:
    with pytest.raises(InvalidRequest, match="Nothing is being trained"):
        finish_training(store, claimed.id)
    store.events.append(claimed.id, EventKind.TRAINING, "c", None, step="distill", done=1, total=9, values={})
    store.runs.request_pause(claimed.id)
    finish_training(store, claimed.id)
    with pytest.raises(InvalidRequest, match="or it ends already"):
        finish_training(store, claimed.id)
    assert store.work.heartbeat(claimed.id, "w1") is Pulse.FINISH
    store.events.append(claimed.id, EventKind.TRAINING, "c", None, step="distill", done=2, total=9, values={})
    assert store.work.heartbeat(claimed.id, "w1") is Pulse.FINISH
    store.events.append(claimed.id, EventKind.BUILT, "c", 1.0, step="distill", giga_macs=0.0)
    assert store.work.heartbeat(claimed.id, "w1") is Pulse.REST


def test_a_pause_lets_the_step_end_and_no_other_begin(
    store: Store, claimed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHETSTONE_HEARTBEAT_S", "0.05")
    get_settings.cache_clear()
    stop = Stop()
    heartbeat = Heartbeat(store, claimed, "w1", stop)
    heartbeat.start()
    stop.begin()
    store.runs.request_pause(claimed.id)
    until = time.monotonic() + 10
    while not stop.rests and time.monotonic() < until:
        time.sleep(0.02)
    with pytest.raises(Paused):
        stop.begin()
    stop.check()
    assert not stop.over()
    assert heartbeat.is_alive()
    heartbeat.end()


def test_a_paused_run_goes_on_where_it_was(
    store: Store, claimed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.runs.request_pause(claimed.id)
    assert store.work.heartbeat(claimed.id, "w1") is Pulse.REST
    with monkeypatch.context() as patched:
        patched.setattr("core.engine.execute.Execution.run", lambda self: self._stop.begin())
        stop = Stop()
        stop.rest()
        execute(store, claimed, "w1", stop)
    assert store.runs.get(claimed.id).status is RunStatus.PAUSED
    assert store.runs.resume(claimed.id).status is RunStatus.QUEUED
    assert store.work.claim("w2") is not None
    assert store.work.heartbeat(claimed.id, "w2") is Pulse.HELD
    store.runs.request_cancel(claimed.id)
    with pytest.raises(InvalidRequest, match="being cancelled"):
        store.runs.request_pause(claimed.id)


def test_a_run_in_line_is_paused_at_once(store: Store, request_for: Make) -> None:
    run = store.runs.create(request_for(), "run")
    assert store.runs.request_pause(run.id).status is RunStatus.PAUSED
    assert store.work.claim("w1") is None


def _rename(store: Store, old: str, new: str) -> None:
    with store._database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


def test_no_worker_can_begin_while_dead_ones_are_looked_for(
    store: Store, claimed: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    mark = store.work.mark_interrupted

    def marking(stale_after_s: float) -> tuple[str, ...]:
        with only_worker(data_dir) as alone:
            held.append(alone)
        return mark(stale_after_s)

    monkeypatch.setattr(store.work, "mark_interrupted", marking)
    recover(store)
    assert held == [False]
    assert store.runs.get(claimed.id).status is RunStatus.INTERRUPTED


def test_the_budget_counts_what_reading_the_upload_took(store: Store, request_for: Make) -> None:
    run = store.runs.create(replace(request_for(), budget_s=60.0), "run", elapsed_s=10.0)
    until = _deadline(run)
    assert until is not None
    assert 45 < until - time.monotonic() <= 50


def test_a_dashboards_worker_gets_ready_once_and_ends_with_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_ready = []
    monkeypatch.setattr(ahead, "warm_exports", lambda: made_ready.append(True))
    dashboard = subprocess.Popen(["sleep", "1"])
    threading.Thread(target=dashboard.wait).start()
    began = time.monotonic()
    worker.work(60.0, dashboard.pid)
    assert 0.5 < time.monotonic() - began < 30
    assert made_ready == [True]


def test_the_layers_of_what_was_uploaded_last_are_read_before_anybody_asks(
    store: Store, mlp: SourceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = replace(mlp, id="lost", files=(replace(mlp.files[0], sha256="0" * 64),))
    store.models.add(lost)
    seen: set[str] = set()
    for _ in range(3):
        read_ahead(store, seen)
    assert seen == {"lost", mlp.id}
    assert known_structure(store, mlp) is not None
    assert known_structure(store, lost) is None
    monkeypatch.setattr(structure, "AHEAD_S", 0.0)
    old: set[str] = set()
    read_ahead(store, old)
    assert old == set()
