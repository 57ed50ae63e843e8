"""kill -9 in each stage of the work: what was done is kept, the rest goes on, nothing is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.domain.run import Candidate, CandidateStatus, Run, RunRequest, RunStatus
from core.engine import add_data, add_model, kit_path, open_store, submit
from core.search.spelling import parse
from core.store.store import Store
from sample_models.catalogue import by_id
from tests.engine.conftest import ended, measured, wait, worker_pid
from tests.robustness.conftest import data_in, kill_all, reap, until_alone
from tests.robustness.test_kills import built, go_on, sound

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
QUICK = "int8_dynamic@onnxruntime"
TRAINING = "toy_student:steps=100,pause_s=0.05@onnxruntime"
Reached = Callable[[Store, Run, Candidate | None], bool]


def at_work(status: CandidateStatus) -> Reached:
    return lambda store, run, now: now is not None and now.status is status and now.position > 0


def saying(stage: str) -> Reached:
    return lambda store, run, now: run.stage.startswith(stage)


def learning(store: Store, run: Run, now: Candidate | None) -> bool:
    return bool(list((store.folder / "checkpoints").glob("*/state.pt")))


STAGES: dict[str, tuple[str, bool, str, Reached]] = {
    "preparing": ("onnx", False, QUICK, saying("Preparing random inputs")),
    "building": ("onnx", True, QUICK, at_work(CandidateStatus.BUILDING)),
    "training": ("onnx", True, TRAINING, learning),
    "measuring": ("onnx", True, QUICK, at_work(CandidateStatus.MEASURING)),
    # Several times as fast as PyTorch eager: where nothing is faster, no heat is held.
    "final heat": ("pt2", True, "export_onnx@onnxruntime", saying("Final heat")),
}


def begin(store: Store, form: str, with_data: bool, recipe: str) -> str:
    model = add_model(store, by_id("cancer-mlp").files[form])
    data = add_data(store, "breast_cancer", model).id if with_data else None
    return submit(store, RunRequest(model.id, data, recipes=(parse(recipe),), preset="quick")).id


def strike(store: Store, run_id: str, reached: Reached) -> None:
    """Kill the worker in the middle of a stage."""
    busy = (CandidateStatus.BUILDING, CandidateStatus.MEASURING)
    end = time.monotonic() + 240
    while True:
        run = store.runs.get(run_id)
        assert run.status.active, "it was over before it was there"
        assert time.monotonic() < end
        now = next((each for each in store.candidates.list(run_id) if each.status in busy), None)
        if reached(store, run, now):
            break
        time.sleep(0.01)
    pid = worker_pid(store.folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_killed_in_any_stage(stage: str, tmp_path: Path, toys: None) -> None:
    form, with_data, recipe, reached = STAGES[stage]
    with data_in(tmp_path / "data") as folder, open_store() as store:
        run_id = begin(store, form, with_data, recipe)
        strike(store, run_id, reached)
        assert not until_alone(folder), "a child outlived its worker"
        assert not sound(folder)
        before, known = measured(store, run_id), built(store)
        go_on(store, run_id)
        view = wait(store, run_id, ended, 300)
        assert (view.run.status, view.run.error) == (RunStatus.DONE, None)
        rows = store.candidates.list(run_id)
        assert [(each.status, each.error) for each in rows] == [(CandidateStatus.DONE, None)] * len(rows)
        assert measured(store, run_id)[: len(before)] == before
        assert sorted(measured(store, run_id)) == sorted(each.id for each in rows), "once each"
        assert {id: built(store)[id] for id in known} == known, "nothing is built twice"
        if stage == "training":
            made = store.artifacts.get(rows[1].artifact_id or "")
            assert made.details["began_at"] > 0
            assert made.details["steps"] == 100
        _nothing_left(store)


PARTS = {
    "upload": "engine.add_model(store, Path(sys.argv[1]))",
    "data": "engine.add_data(store, 'breast_cancer', store.models.get(sys.argv[1]))",
    "kit": "engine.kit_path(store, sys.argv[1])",
}


@pytest.mark.parametrize("part", PARTS)
def test_who_uploads_prepares_or_packs_is_killed(part: str, tmp_path: Path) -> None:
    with data_in(tmp_path / "data") as folder, open_store() as store:
        given = str(by_id("cancer-mlp").files["onnx"])
        if part != "upload":
            given = add_model(store, Path(given)).id
        if part == "kit":
            run_id = begin(store, "onnx", True, QUICK)
            assert wait(store, run_id, ended, 300).run.status is RunStatus.DONE
            given = store.candidates.list(run_id)[1].id
            kill_all(folder)
        opened = "import sys; from pathlib import Path; from core import engine; store = engine.open_store()"
        code = f"{opened}; {PARTS[part]}"
        asking = subprocess.Popen([sys.executable, "-c", code, given])
        _in_a_job(store, asking)
        asking.kill()
        asking.wait()
        assert not until_alone(folder), "a child outlived who started it"
        assert not sound(folder)
        if part == "upload":
            assert store.models.list() == ()
            add_model(store, Path(given))
        elif part == "data":
            assert store.data.list() == ()
            add_data(store, "breast_cancer", store.models.get(given))
        else:
            assert not list((folder / "kits").glob("*")), "half a kit may be taken for a whole one"
            assert kit_path(store, given).is_file()
        _nothing_left(store)


def _in_a_job(store: Store, asking: subprocess.Popen[bytes]) -> None:
    """Wait until a confined process of `asking` works in a folder of its own."""
    end, who = time.monotonic() + 60, psutil.Process(asking.pid)
    while not (list(store.jobs_dir.iterdir()) and who.children()):
        assert asking.poll() is None, "it was over before it was killed"
        assert time.monotonic() < end
        time.sleep(0.005)
    time.sleep(0.1)


def _nothing_left(store: Store) -> None:
    """Check that after the next worker has tidied up nothing unfinished is there."""
    kill_all(store.folder)
    subprocess.run([sys.executable, "-m", "core", "worker", "--idle", "0"], check=True)
    reap()
    assert not list(store.jobs_dir.iterdir()), "a job folder was left over"
    kept = store.folder / "checkpoints"
    assert not kept.exists() or not list(kept.iterdir()), "the state of a training was left over"
    assert not until_alone(store.folder)
