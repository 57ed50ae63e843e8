"""A service is tried as it is: confined, asked, loaded and stopped; one that lies is found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.bench.serving import trial as trials
from core.bench.serving.trial import SERVICE, TrialRequest, trial
from core.domain.service import Trial
from core.packagers.serving.fastapi import PACKAGER
from core.packagers.serving.options import Features, ServiceParams, names, on, switched_on
from core.protocols import Package
from core.work.unit import Job
from tests.packagers.serving.conftest import table, tokens

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "LOAD_S", 0.3)
    monkeypatch.setattr(trials, "BARE_S", 0.1)


def tried(package: Package, folder: Path, **options: bool) -> Trial:
    params = ServiceParams(**options)
    given, out = folder / "given", folder / "out"
    given.mkdir()
    out.mkdir()
    PACKAGER.write(package, given / "service.zip", params)
    request = TrialRequest("service.zip", 1, tuple(on(Features, params)))
    return trial(request, Job(out, {SERVICE: given})).values


def test_a_service_with_everything_is_tried(tmp_path: Path) -> None:
    package = replace(table(tmp_path / "in"), original=table(tmp_path / "original"))
    found = tried(package, tmp_path, **switched_on(Features, names(Features)))
    assert found.equal
    assert found.alive
    assert found.counted
    assert found.rolled_back
    assert found.errors == 0
    assert [each.clients for each in found.loads] == [1, 2, 4, 8, 16, 32, 64]
    assert all(each.clear for each in found.refusals), found.refusals
    assert set(found.stages) == {"validate", "queue", "inference", "encode"}
    assert 0 < found.bare_p50_ms < found.alone.p50_ms
    assert found.cached_p50_ms is not None
    assert found.memory_bytes > 30e6


def test_integers_are_tried_too(tmp_path: Path) -> None:
    found = tried(tokens(tmp_path / "in"), tmp_path)
    assert found.equal
    assert all(each.clear for each in found.refusals), found.refusals
    assert (found.counted, found.rolled_back, found.cached_p50_ms) == (None, None, None)
