from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.registry import executors
from core.store.blobs import Blobs
from core.work import local
from core.work.executor import Executor

KINDS = Path(__file__).parent / "kinds"


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process and the confined ones import the kinds of the tests."""
    monkeypatch.syspath_prepend(str(KINDS))
    monkeypatch.setattr(local, "ENV", {"PYTHONPATH": str(KINDS)})
    yield
    sys.modules.pop("probe_kind", None)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture(params=["local"])
def executor(request: pytest.FixtureRequest, blobs: Blobs, tmp_path: Path) -> Executor:
    """Every executor that the contract is checked on."""
    (tmp_path / "jobs").mkdir()
    made: Executor = executors()[request.param](blobs, tmp_path / "jobs")
    return made
