"""Whoever is killed, whenever: nothing is lost, nothing is done twice, nothing is left over."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from core.domain.run import RunRequest, RunStatus
from core.engine import add_data, add_model, open_store, recover, resume, submit
from core.search.spelling import parse
from core.store.store import Store
from core.store.tables import artifacts
from sample_models.catalogue import by_id
from tests.engine.conftest import ended, measured, wait, worker_pid
from tests.robustness.conftest import data_in, reap, until_alone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = 10
RECIPES = (
    "@openvino",
    "int8_dynamic@onnxruntime",
    "fp16@onnxruntime",
    "int8_static_ort@onnxruntime",
    "int8_static_nncf@openvino",
)


def begin(store: Store) -> str:
    """Submit the run that everything here is about."""
    model = add_model(store, by_id("cancer-mlp").files["onnx"])
    data = add_data(store, "breast_cancer", model)
    recipes = tuple(parse(text) for text in RECIPES)
    return submit(store, RunRequest(model.id, data.id, recipes=recipes, preset="quick")).id


def built(store: Store) -> dict[str, float]:
    """Return when each artifact was stored."""
    with store._database.read() as connection:
        return {
            row.id: row.created for row in connection.execute(select(artifacts.c.id, artifacts.c.created))
        }


def outcome(store: Store, run_id: str) -> list[tuple[str, str, str | None]]:
    """Return what a run came to, without its figures."""
    return [(each.name, str(each.status), each.artifact_id) for each in store.candidates.list(run_id)]


def sound(folder: Path) -> list[tuple[object, ...]]:
    """Return what SQLite finds wrong with the database."""
    with sqlite3.connect(folder / "whetstone.db") as connection:
        wrong = connection.execute("PRAGMA integrity_check").fetchall()
        return [row for row in wrong if row != ("ok",)] + connection.execute(
            "PRAGMA foreign_key_check"
        ).fetchall()


def strike(store: Store, folder: Path, after_s: float) -> bool:
    """Kill the worker a while after its start; False where the run was faster."""
    end = time.monotonic() + 20
    while not ((pid := worker_pid(folder)) and psutil.pid_exists(pid)):
        assert time.monotonic() < end, "no worker came"
        time.sleep(0.02)
    time.sleep(after_s)
    if not store.runs.list()[0].run.status.active:
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def go_on(store: Store, run_id: str) -> None:
    """Do what the page does when it is opened, and what the person does then."""
    recover(store)
    status = store.runs.get(run_id).status
    assert status in (RunStatus.INTERRUPTED, RunStatus.QUEUED)
    if status is RunStatus.INTERRUPTED:
        resume(store, run_id)


def test_a_worker_that_is_killed_ten_times(tmp_path: Path) -> None:
    with data_in(tmp_path / "calm") as folder, open_store() as store:
        run_id = begin(store)
        assert wait(store, run_id, ended, 300).run.status is RunStatus.DONE
        expected = outcome(store, run_id)
    chance = random.Random(7)
    with data_in(tmp_path / "stormy") as folder, open_store() as store:
        run_id, kills, known = begin(store), 0, {}
        while kills < KILLS:
            assert strike(store, folder, chance.uniform(0.2, 4.0)), f"over after {kills} kills"
            kills += 1
            assert not until_alone(folder), "a child outlived its worker"
            now = built(store)
            assert {id: now[id] for id in known} == known, "an artifact was built twice"
            known = now
            assert not sound(folder)
            go_on(store, run_id)
        assert wait(store, run_id, ended, 300).run.status is RunStatus.DONE
        assert outcome(store, run_id) == expected
        seen = measured(store, run_id)
        assert sorted(seen) == sorted(each.id for each in store.candidates.list(run_id)), (
            "measured twice or never"
        )
        now = built(store)
        assert {id: now[id] for id in known} == known
        assert not list(store.jobs_dir.iterdir()), "a job folder was left over"
        assert all(store.artifacts.find(id) for id in now), "an artifact's file is damaged"
        assert not sound(folder)
        os.kill(worker_pid(folder) or 0, signal.SIGKILL)
        reap()
        assert not until_alone(folder)
