"""Two workers, each with a data folder of its own, on one PostgreSQL database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.run import CandidateStatus, RunRequest, RunStatus
from core.engine import add_model
from core.engine.planning import plan
from core.search.spelling import parse
from core.settings import Settings, get_settings
from core.store import Store
from sample_models import samples
from tests.engine.conftest import measured
from tests.store.postgres import emptied

pytestmark = pytest.mark.slow
BEATS = {"WHETSTONE_HEARTBEAT_S": "0.2"}


@pytest.fixture
def url(postgres: str) -> str:
    return emptied(postgres)


@pytest.fixture
def stores(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Store]]:
    """Give a store for each of two data folders, with the same model uploaded to both."""
    sample = next(each for each in samples() if each.id == "cancer-mlp")
    opened = []
    for name in ("a", "b"):
        monkeypatch.setenv("WHETSTONE_DATA_DIR", str(tmp_path / name))
        get_settings.cache_clear()
        opened.append(Store(Settings(data_dir=tmp_path / name, database_url=url)))
        add_model(opened[-1], sample.folder / "model.onnx")
    yield opened
    for store in opened:
        store.close()


def queue(store: Store, name: str) -> str:
    """Queue a run of two configurations and return its id; no worker is started."""
    request = RunRequest(store.models.list()[0].id, None, recipes=(parse("@openvino"),))
    planned = plan(store, request).candidates
    run_id = store.runs.new_id()
    own = [replace(each, id=f"{run_id}-{each.id}", run_id=run_id) for each in planned]
    return store.runs.create(request, name, own).id


@pytest.fixture
def workers(stores: list[Store], url: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a worker for each data folder on runs that wait already."""
    for number in range(4):
        queue(stores[0], str(number))
    begun = []
    for store in stores:
        names = {"WHETSTONE_DATA_DIR": str(store.folder), "WHETSTONE_DATABASE_URL": url, **BEATS}
        command = [sys.executable, "-m", "core", "worker", "--idle", "3"]
        begun.append(subprocess.Popen(command, env=os.environ | names, start_new_session=True))
    yield begun
    for process in begun:
        process.kill()
        process.wait()


def test_each_run_is_executed_once_and_a_dead_workers_run_by_the_other(
    stores: list[Store], workers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores[1]
    until = time.monotonic() + 60
    while len(running := [each.run for each in store.runs.list() if each.run.status == "running"]) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len({run.worker for run in running}) == 2
    dead = next(run for run in running if str(run.worker).endswith(f":{workers[0].pid}"))
    workers[0].kill()
    workers[0].wait()
    assert workers[1].wait(150) == 0
    statuses = {each.run.id: each.run.status for each in store.runs.list()}
    assert statuses.pop(dead.id) is RunStatus.RUNNING
    assert set(statuses.values()) == {RunStatus.DONE}
    store.work.mark_interrupted(1.0)
    assert store.runs.resume(dead.id).status is RunStatus.QUEUED
    names = {"WHETSTONE_DATA_DIR": str(store.folder), "WHETSTONE_DATABASE_URL": str(store._database.url)}
    again = [sys.executable, "-m", "core", "worker", "--idle", "1"]
    assert subprocess.run(again, env=os.environ | names, timeout=120).returncode == 0
    for each in store.runs.list():
        assert each.run.status is RunStatus.DONE
        assert {item.status for item in store.candidates.list(each.run.id)} == {CandidateStatus.DONE}
        assert len(measured(store, each.run.id)) == len(set(measured(store, each.run.id))) == 2
