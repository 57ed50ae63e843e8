"""What an idle worker of a dashboard does ahead."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.bench.timing.process_start import ProcessStart
from core.domain.model import SourceModel
from core.domain.run import RunRequest
from core.engine import ahead
from core.engine.ahead import Ahead, first_starts
from core.store.store import Store
from tests.factories import model


def test_the_processes_of_the_first_candidate_are_those_that_a_run_starts() -> None:
    own = ProcessStart("pytorch", "pt2", "", 1)
    assert first_starts(model("pt2")) == [own, own, own, ProcessStart("openvino", "onnx", "", 1)]


def test_processes_wait_for_the_model_that_was_uploaded_last_and_not_for_ever(
    store: Store, mlp: SourceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[list[str]] = []

    def fill(wanted: list[ProcessStart], jobs: Path) -> None:
        assert jobs == store.jobs_dir
        filled.append([each.runtime for each in wanted])

    here = sys.modules[ahead.__name__]
    monkeypatch.setattr(here, "warm_exports", lambda: None)
    monkeypatch.setattr(here, "read_ahead", lambda *_: None)
    monkeypatch.setattr(here.spares, "fill", fill)
    idle = Ahead(store)
    idle.step()
    assert not filled, "exports come first"
    idle.step()
    assert filled.pop()[:3] == ["onnxruntime"] * 3
    monkeypatch.setattr(here, "SPARES_S", -1.0)
    idle.step()
    assert filled.pop() == []
    monkeypatch.setattr(here, "SPARES_S", 1e6)
    idle.worked()
    idle.step()
    assert filled.pop()[:3] == ["onnxruntime"] * 3
    idle.begin(RunRequest(mlp.id))
    assert not filled
    for other in (RunRequest("another"), RunRequest(mlp.id, threads=2)):
        idle.begin(other)
        assert filled.pop() == []
    idle.end()
    assert filled.pop() == []
