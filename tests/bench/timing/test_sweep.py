from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.bench.timing import sweep
from core.domain.recipe import Artifact
from core.domain.sweep import Setting, Sweep
from core.store.blobs import Blobs
from core.work.unit import Job
from tests.bench.conftest import Chain
from tests.factories import ENVIRONMENT


def test_every_batch_is_timed_with_every_number_of_threads(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SETTING_S", 0.05)
    monkeypatch.setattr(sweep, "BATCHES", (1, 8))
    endpoint = chain(12)
    file = Blobs(tmp_path / "blobs").add(endpoint.artifact.path)
    artifact = Artifact("a", None, None, "onnx", (file,))
    asked = sweep.SweepRequest(endpoint.model, artifact, replace(endpoint.target, batch=16), cores=1)
    job = Job(tmp_path / "out", inputs={sweep.MODEL: endpoint.artifact.path.parent})
    found = sweep.sweep(asked, job).values
    assert [(each.threads, each.batch) for each in found.settings] == [(1, 1), (1, 8)]
    one, many = found.settings
    assert one.p50_ms < many.p50_ms
    assert many.per_s == pytest.approx(8000 / many.p50_ms)
    assert found.best(None) == many
    assert found.best(limit_ms=0.0) is None
    assert found.energy
    assert found.skipped == ""


def test_threads_are_powers_of_two_and_all_cores() -> None:
    assert [sweep.threads_of(cores) for cores in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


def test_the_best_setting_keeps_to_the_limit_with_its_slow_calls() -> None:
    settings = (Setting(1, 1, 1.0, 1.2, 1000, 200), Setting(8, 1, 4.0, 6.0, 2000, 200))
    found = Sweep(settings, ENVIRONMENT, "")
    assert found.best(5.0) == settings[0]
    assert found.best(6.0) == settings[1]
