"""Passes that train: what they are given, and that neither a kill nor a deadline loses what they learned."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import registry
from core.datasets.splits import Part
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact
from core.engine.building import Builder
from core.engine.checkpoints import checkpoint_folder, sweep_checkpoints
from core.engine.executors import local
from core.engine.uploads import add_data
from core.errors import Cancelled, ChildCrashed, ChildTimeout, PassNotApplicable
from core.search.spelling import parse
from core.settings import get_settings
from core.store.store import Store
from core.work.stop import Stop
from core.work.unit import Job, Progress, WorkResult, WorkUnit, kind_of, unheard
from tests.sandbox.test_removal import nest

TOYS = Path(__file__).with_name("toys")


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process and confined ones find the toy trainer."""
    monkeypatch.setenv("WHETSTONE_EXTENSIONS", str(TOYS))
    caches = (get_settings, registry._own_modules, registry._found)
    for each in caches:
        each.cache_clear()
    yield
    monkeypatch.delenv("WHETSTONE_EXTENSIONS")
    for each in caches:
        each.cache_clear()


class Trial:
    """One build of the toy student, by its own builder as after a restart."""

    def __init__(self, store: Store, model: SourceModel, data: DataSet) -> None:
        self._about = (store, model, data)
        self.heard: list[Progress] = []

    def build(self, spelled: str, executor: Any = None, stop: Stop | None = None) -> Artifact:
        self.heard = []
        told: Any = (lambda step: None, lambda step, seconds: None, executor, self.heard.append)
        return Builder(*self._about, 0, stop or Stop(), *told).build(parse(spelled))


@pytest.fixture
def trial(store: Store, mlp: SourceModel, cancer: DataSet) -> Trial:
    return Trial(store, mlp, cancer)


def checkpoints(store: Store) -> list[Path]:
    return sorted((store.folder / "checkpoints").glob("*"))


def kill_at_first_checkpoint(store: Store) -> threading.Thread:
    """Kill -9 the confined process that trains, once it has kept a state; return the thread that does."""

    def kill() -> None:
        while not list((store.folder / "checkpoints").glob("*/state.pt")):
            time.sleep(0.01)
        time.sleep(0.1)
        # Started or forked: what works in a folder of the jobs.
        for each in psutil.Process().children(recursive=True):
            if each.status() != psutil.STATUS_ZOMBIE and each.cwd().startswith(str(store.jobs_dir)):
                each.kill()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_weights_of_a_whole_one(
    trial: Trial, store: Store, cancer: DataSet
) -> None:
    slow, quick = (f"toy_student:steps=20,pause_s={pause}@onnxruntime" for pause in (0.05, 0.0))
    whole = trial.build(quick)
    first, last = trial.heard[0], trial.heard[-1]
    assert (last.figures["step"], last.figures["steps"], last.share) == (20, 20, 1.0)
    assert last.message.startswith("training step 20 of 20, loss ")
    assert last.figures["loss"] < first.figures["loss"]  # type: ignore[operator]
    assert whole.details["complete"] is True
    assert whole.details["rows"] == [cancer.training_samples, cancer.search_samples]
    assert cancer.training_samples > cancer.calibration_samples
    assert checkpoints(store) == []
    assert trial.build(quick) == whole
    assert trial.heard == []

    killer = kill_at_first_checkpoint(store)
    with pytest.raises(ChildCrashed):
        trial.build(slow)
    killer.join(10)
    assert len(checkpoints(store)) == 1
    made = trial.build(slow)
    assert 0 < made.details["began_at"] < 20
    assert made.details["steps"] == 20
    assert checkpoints(store) == []
    assert made.files[0].sha256 == whole.files[0].sha256


def test_a_cancelled_training_leaves_its_best_to_go_on_from(trial: Trial, store: Store) -> None:
    stop = Stop()

    def cancel() -> None:
        while not list((store.folder / "checkpoints").glob("*/state.pt")):
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(Cancelled):
        trial.build("toy_student:steps=20,pause_s=0.05@onnxruntime", stop=stop)
    assert len(checkpoints(store)) == 1
    made = trial.build("toy_student:steps=20,pause_s=0.05@onnxruntime")
    assert 0 < made.details["began_at"] < 20
    assert made.details["complete"] is True
    assert checkpoints(store) == []


class InThisProcess:
    """Does units here, with a deadline that comes after so many questions for it."""

    def __init__(self, store: Store, folder: Path, questions: float) -> None:
        self._store, self._folder, self._left = store, folder, questions
        self.asked: WorkUnit[Any, Any] | None = None

    def _seconds_left(self) -> float:
        self._left -= 1
        return max(0.0, 1e6 * self._left)

    def run(self, unit: WorkUnit[Any, Any], stop: Stop, on_progress: Any = unheard) -> WorkResult[Any]:
        self.asked, inputs = unit, {name: self._folder / name for name in unit.inputs}
        for name, files in unit.inputs.items():
            self._store.blobs.lay_out(files, inputs[name])
        self._folder.mkdir(exist_ok=True)
        left, kept = self._seconds_left, unit.checkpoints
        job = Job(self._folder, inputs, 1, 0, on_progress, seconds_left=left, checkpoints=kept)
        done = kind_of(unit).do(unit.parameters, job)
        return WorkResult(done.values, tuple(self._store.blobs.add(file, file.name) for file in done.files))


def test_a_deadline_leaves_the_best_so_far_to_go_on_from(trial: Trial, store: Store, tmp_path: Path) -> None:
    spelled = "toy_student:steps=20@onnxruntime"
    early = trial.build(spelled, InThisProcess(store, tmp_path / "early", 10))
    assert early.details["complete"] is False
    assert 0 < early.details["steps"] < 20
    assert len(checkpoints(store)) == 1
    whole = trial.build(spelled, InThisProcess(store, tmp_path / "whole", 1e6))
    assert whole.id != early.id
    assert whole.details["began_at"] == early.details["steps"]
    assert whole.details["complete"] is True
    assert checkpoints(store) == []


def test_a_training_that_is_stopped_at_its_deadline_leaves_the_best_of_its_checkpoint(
    trial: Trial, store: Store
) -> None:
    stop = Stop(deadline=time.monotonic() + 30)
    made = trial.build("toy_student:steps=20,pause_s=10.0@onnxruntime", Impatient(store), stop)
    assert made.details["complete"] is False
    assert made.details["steps"] == made.details["began_at"] == 1
    assert len(checkpoints(store)) == 1, "a later run goes on from there"


def test_a_training_that_is_asked_to_end_leaves_its_best_and_the_run_goes_on(
    trial: Trial, store: Store
) -> None:
    stop = Stop()
    stop.finish()  # no training goes on: nothing is stopped

    def finish() -> None:
        while not list((store.folder / "checkpoints").glob("*/state.pt")):
            time.sleep(0.01)
        stop.finish()

    threading.Thread(target=finish, daemon=True).start()
    made = trial.build("toy_student:steps=20,pause_s=10.0@onnxruntime", stop=stop)
    assert made.details["complete"] is False
    assert made.details["steps"] == 1
    stop.begin()


class Impatient:
    """Does units as the local executor, with a deadline once a training has kept a state."""

    def __init__(self, store: Store) -> None:
        self._executor, self._store = local(store), store

    def run(self, unit: WorkUnit[Any, Any], stop: Stop, on_progress: Any = unheard) -> WorkResult[Any]:
        early = Stop()
        kept = self._store.folder / "checkpoints"
        if not list(kept.glob("*/state.pt")):

            def end() -> None:
                while not list(kept.glob("*/state.pt")):
                    time.sleep(0.01)
                early.set()

            threading.Thread(target=end, daemon=True).start()
        try:
            return self._executor.run(unit, early, on_progress)
        except Cancelled:
            raise ChildTimeout("The step took too long and was stopped.", hint="") from None


def test_a_run_builds_on_its_own_training_that_was_cut_short(
    store: Store, mlp: SourceModel, cancer: DataSet, tmp_path: Path
) -> None:
    told: Any = (lambda step: None, lambda step, seconds: None)
    recipe = parse("toy_student:steps=20@onnxruntime")
    early = Builder(store, mlp, cancer, 0, Stop(), *told, InThisProcess(store, tmp_path / "early", 10))
    made = early.build(recipe, training_s=60.0)
    assert made.details["complete"] is False
    assert early.build(recipe).id == made.id
    resumed = Builder(store, mlp, cancer, 0, Stop(), *told, InThisProcess(store, tmp_path / "on", 1e6))
    resumed.remember([None, "gone", made.id])
    assert resumed.build(recipe).id == made.id


def test_a_training_ends_before_it_would_be_stopped_and_lose_all(
    store: Store, mlp: SourceModel, cancer: DataSet, tmp_path: Path
) -> None:
    told: Any = (lambda step: None, lambda step, seconds: None)
    here = InThisProcess(store, tmp_path / "here", 1e6)
    builder = Builder(store, mlp, cancer, 0, Stop(deadline=time.monotonic() + 1000), *told, here)
    builder.build(parse("toy_student:steps=20@onnxruntime"), training_s=600.0)
    assert here.asked is not None
    assert here.asked.deadline_s is not None
    grace = here.asked.parameters.grace_s
    assert here.asked.deadline_s - grace == pytest.approx(600.0, abs=5)
    assert 100 < grace < 125


def test_what_two_techniques_make_alike_is_built_upon_once(
    store: Store, mlp: SourceModel, cancer: DataSet, tmp_path: Path
) -> None:
    told: Any = (lambda step: None, lambda step, seconds: None)
    one, other = (f"toy_student:steps=3,pause_s={pause}@onnxruntime" for pause in (0.0, 0.001))
    builder = Builder(store, mlp, cancer, 0, Stop(), *told, InThisProcess(store, tmp_path, 1e6))
    first = builder.build(parse(one))
    assert builder.build(parse(other)) == first
    assert store.artifacts.get(first.id).step == parse(one).steps[0]
    resumed = Builder(store, mlp, cancer, 0, Stop(), *told, InThisProcess(store, tmp_path, 1e6))
    resumed.remember([first.id])
    assert resumed.build(parse(other)) == first


def test_a_training_for_one_kind_of_machine_that_was_cut_short_is_not_taken_for_anothers(
    store: Store, mlp: SourceModel, cancer: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(registry.get_pass("toy_student")), "measures", True)
    told: Any = (lambda step: None, lambda step, seconds: None)
    recipe = parse("toy_student:steps=20@onnxruntime")
    on = {kind: replace(recipe, target=replace(recipe.target, machine=kind)) for kind in ("a", "b")}
    builder = Builder(store, mlp, cancer, 0, Stop(), *told, InThisProcess(store, tmp_path / "early", 10))
    made = builder.build(on["a"], training_s=60.0)
    assert made.details["complete"] is False
    assert builder.build(on["a"]).id == made.id
    assert builder.build(on["b"], training_s=60.0).id != made.id


def test_checkpoints_that_nobody_went_on_with_are_removed(store: Store) -> None:
    folder = checkpoint_folder(store, "a" * 24)
    (folder / "state.pt").write_bytes(b"1")
    nest(folder / "deep")  # as a process that was taken over may leave it, with a time in the future
    os.utime(folder, (time.time() + 1e9, time.time() + 1e9))
    sweep_checkpoints(store)
    assert checkpoints(store) == [folder]
    sweep_checkpoints(store, -1.0)
    assert checkpoints(store) == []


class Watchful(InThisProcess):
    """Fails where a unit that trains is given, or finds, a row of the test."""

    def run(self, unit: WorkUnit[Any, Any], stop: Stop, on_progress: Any = unheard) -> WorkResult[Any]:
        leaked = [file.name for files in unit.inputs.values() for file in files if "evaluation" in file.name]
        assert not leaked, "rows of the test were fed"
        return super().run(unit, stop, on_progress)


def test_no_training_is_ever_fed_the_test(
    trial: Trial, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spelled = "toy_student:steps=2@onnxruntime"
    trial.build(spelled, Watchful(store, tmp_path / "clean", 1e6))
    monkeypatch.setattr("core.engine.building.FOR_BUILDING", tuple(Part))  # the leak, planted
    with pytest.raises(AssertionError, match="were fed"):
        trial.build("toy_student:steps=3@onnxruntime", Watchful(store, tmp_path / "leak", 1e6))


def test_random_inputs_teach_nothing(store: Store, mlp: SourceModel) -> None:
    drawn = add_data(store, None, mlp, {"samples": 32})
    with pytest.raises(PassNotApplicable, match="random inputs teach nothing") as caught:
        Trial(store, mlp, drawn).build("toy_student:steps=2@onnxruntime")
    assert "labels are not needed" in caught.value.hint
