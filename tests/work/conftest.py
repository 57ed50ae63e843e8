from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from core.registry import executors
from core.store.blobs import Blobs
from core.work import local
from core.work.executor import Executor
from tests.toolchains.tiny import use_tiny

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


@pytest.fixture(params=["local", "local toolchain"])
def executor(
    request: pytest.FixtureRequest, blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Executor:
    """Every executor that the contract is checked on, by its id; with units that need a toolchain, too."""
    name, _, toolchain = request.param.partition(" ")
    (tmp_path / "jobs").mkdir()
    if toolchain:
        tiny = use_tiny(tmp_path_of(request), monkeypatch)
        monkeypatch.setattr(probe(), "TOOLCHAIN", tiny.id)
    made: Executor = executors()[name](blobs, tmp_path / "jobs")
    return made


def probe() -> ModuleType:
    """Return the module of the tests' kind of work."""
    return importlib.import_module("probe_kind")


def tmp_path_of(request: pytest.FixtureRequest) -> Path:
    """Return a folder that all tests of this process share, so that the environment is made once."""
    base: Path = request.getfixturevalue("tmp_path_factory").getbasetemp() / "tiny-toolchain"
    base.mkdir(exist_ok=True)
    return base
