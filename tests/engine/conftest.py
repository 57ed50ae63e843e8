"""A real store, real models and a real worker, stopped at the end of each test."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.domain.model import DataSet, SourceModel
from core.domain.run import RunRequest, RunStatus
from core.engine import add_data, add_model, open_store
from core.search.spelling import parse
from core.store.store import Store
from core.views import RunView, run_view
from sample_models import samples

RECIPES = ("@openvino", "int8_dynamic@onnxruntime", "fp16@onnxruntime")


def worker_pid(data_dir: Path) -> int | None:
    """Return the process id of the worker at work, if any."""
    lock = data_dir / "worker.lock"
    text = lock.read_text() if lock.exists() else ""
    return int(text) if text else None


def kill_worker(data_dir: Path) -> None:
    """Kill the worker as the system would for want of memory, and wait until it is gone."""
    pid = worker_pid(data_dir)
    if pid is None:
        return
    try:
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.02)
        os.waitpid(pid, 0)
    except (ProcessLookupError, FileNotFoundError, ChildProcessError):
        return


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    """Return an open store; its worker is killed at the end."""
    with open_store() as opened:
        yield opened
        kill_worker(data_dir)


@pytest.fixture
def mlp(store: Store) -> SourceModel:
    """Return the tabular sample, the quickest to measure."""
    sample = next(each for each in samples() if each.id == "cancer-mlp")
    return add_model(store, sample.folder / "model.onnx")


@pytest.fixture
def cancer(store: Store, mlp: SourceModel) -> DataSet:
    """Return its data."""
    return add_data(store, "breast_cancer", mlp)


@pytest.fixture
def request_for(mlp: SourceModel, cancer: DataSet) -> Callable[..., RunRequest]:
    """Return a function from spelled recipes to a request."""

    def make(*recipes: str, **changes: object) -> RunRequest:
        chosen = tuple(parse(text) for text in recipes or RECIPES)
        return RunRequest(mlp.id, cancer.id, recipes=chosen, **changes)  # type: ignore[arg-type]

    return make


def wait(store: Store, run_id: str, until: Callable[[RunView], bool], seconds: float = 120) -> RunView:
    """Wait until a run looks as wanted."""
    end = time.monotonic() + seconds
    while not until(view := run_view(store, run_id)):
        assert time.monotonic() < end, f"still {view.run.status} at {view.progress}"
        time.sleep(0.05)
    return view


def ended(view: RunView) -> bool:
    """Whether the run has ended."""
    return not view.run.status.active


def measured(store: Store, run_id: str) -> list[str]:
    """Return the candidates measured so far, once per measurement."""
    return [event.candidate for event in store.events.since(run_id) if event.kind == "measured"]


DONE = RunStatus.DONE
