"""A run on a Ray cluster gives what it gives here, also when a node is lost on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.events import EventKind
from core.domain.run import Candidate, CandidateStatus, RunRequest, RunStatus
from core.engine import add_data, add_model, kit_path
from core.engine.executors import executor
from core.engine.planning import plan
from core.search.spelling import parse
from core.settings import Settings, get_settings
from core.store import Store
from core.views import run_view
from core.work.nodes import connect
from sample_models import samples
from tests.engine.conftest import measured
from tests.work.cluster import kill_busy, loopback

pytestmark = pytest.mark.slow
SAMPLE = next(each for each in samples() if each.id == "cancer-mlp")
RECIPES = ("int8_dynamic@onnxruntime", "@openvino")


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **names: str) -> Settings:
    for name, value in {"WHETSTONE_DATA_DIR": str(folder), **names}.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    return get_settings()


def queued(store: Store, *kinds: str) -> str:
    """Queue a run and return its id; no worker is started."""
    model = add_model(store, SAMPLE.folder / "model.onnx")
    data = add_data(store, "breast_cancer", model)
    request = RunRequest(model.id, data.id, recipes=tuple(map(parse, RECIPES)), measure_on=kinds)
    run_id = store.runs.new_id()
    planned = plan(store, request).candidates
    own = [replace(each, id=f"{run_id}-{each.id}", run_id=run_id) for each in planned]
    return store.runs.create(request, "run", own).id


def working() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "core", "worker", "--idle", "1"]
    return subprocess.Popen(command, env=dict(os.environ), start_new_session=True)


def ended(store: Store, run_id: str) -> list[Candidate]:
    """Return the candidates of a run that ended well."""
    run = store.runs.get(run_id)
    assert (run.status, run.error) == (RunStatus.DONE, None)
    found = list(store.candidates.list(run_id))
    assert [each.error for each in found] == [None] * len(found)
    assert {each.status for each in found} == {CandidateStatus.DONE}
    return found


def on_cluster(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return settings_of(
        tmp_path / "cluster",
        monkeypatch,
        WHETSTONE_EXECUTOR="ray",
        WHETSTONE_RAY_ADDRESS=cluster.address,
        WHETSTONE_SHARED_STORE=str(tmp_path / "shared"),
    )


def test_three_nodes_give_the_same_artifacts_as_one_also_with_one_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    with Store(settings_of(tmp_path / "here", monkeypatch)) as here:
        run_id = queued(here)
        assert working().wait(150) == 0
        expected = [(each.name, each.artifact_id) for each in ended(here, run_id)]
    with (
        loopback(tmp_path) as cluster,
        Store(on_cluster(cluster, tmp_path, monkeypatch)) as store,
    ):
        connect()
        run_id = queued(store)
        worker = working()
        kill_busy(cluster, time.monotonic() + 120)
        assert worker.wait(300) == 0
        found = ended(store, run_id)
        assert [(each.name, each.artifact_id) for each in found] == expected
        assert sorted(measured(store, run_id)) == sorted(each.id for each in found)
        assert kit_path(store, found[1].id).is_file()
        assert not list((tmp_path / "nodes" / "node" / "jobs").glob("*/out/*.onnx"))


def test_two_kinds_of_node_measure_the_same_artifacts_each_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    kinds = ("amd-epyc", "intel-xeon")
    with (
        loopback(tmp_path, kinds) as cluster,
        Store(on_cluster(cluster, tmp_path, monkeypatch)) as store,
    ):
        assert executor(store).machines().keys() == set(kinds)
        run_id = queued(store, *kinds)
        assert working().wait(300) == 0
        found = ended(store, run_id)
        views = run_view(store, run_id).each
        assert [view.machine for view in views] == list(kinds)
        built = [[row.candidate.artifact_id for row in view.candidates] for view in views]
        assert built[0] == built[1]
        assert len(set(built[0])) == 2  # the upload itself, which two of them run, and INT8
        assert sorted(measured(store, run_id)) == sorted(each.id for each in found)
        events = store.events.since(run_id)
        heats = [each.data["machine"] for each in events if each.kind is EventKind.HEAT]
        assert heats == [kind for kind in kinds if kind in heats], "one a kind, where anything is faster"
        steps = [(each.candidate, each.data["step"]) for each in events if each.kind is EventKind.BUILT]
        assert len(steps) == len({step for _, step in steps}), "each step is built once"
