"""A service is tried as it is: confined, asked, loaded and stopped; one that lies is found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.bench.serving import trial as trials
from core.bench.serving.trial import SERVICE, TrialRequest, trial
from core.domain.service import Trial
from core.packagers.serving.folder import Service
from core.packagers.serving.options import Features, ServiceParams, names, on, switched_on
from core.protocols import Package
from core.registry import packagers
from core.work.unit import Job
from tests.packagers.serving.conftest import table, tokens

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "LOAD_S", 0.3)
    monkeypatch.setattr(trials, "BARE_S", 0.1)


SERVICES = [each for each in packagers().values() if isinstance(each, Service)]


def tried(package: Package, folder: Path, packager: Service, **options: bool) -> Trial:
    if not (there := packager.can_run(ServiceParams(**options))).ok:
        pytest.skip(there.reason)
    params = ServiceParams(**options)
    given, out = folder / "given", folder / "out"
    given.mkdir()
    out.mkdir()
    packager.write(package, given / "service.zip", params)
    request = TrialRequest("service.zip", packager.id, 1, tuple(on(Features, params)))
    return trial(request, Job(out, {SERVICE: given})).values


@pytest.mark.parametrize("packager", SERVICES, ids=lambda each: each.id)
def test_a_service_with_everything_is_tried(packager: Service, tmp_path: Path) -> None:
    package = replace(table(tmp_path / "in"), original=table(tmp_path / "original"))
    found = tried(package, tmp_path, packager, **switched_on(Features, names(Features)))
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


@pytest.mark.parametrize("packager", SERVICES, ids=lambda each: each.id)
def test_integers_are_tried_too(packager: Service, tmp_path: Path) -> None:
    found = tried(tokens(tmp_path / "in"), tmp_path, packager)
    assert found.equal
    assert all(each.clear for each in found.refusals), found.refusals
    assert (found.counted, found.rolled_back, found.cached_p50_ms) == (None, None, None)
