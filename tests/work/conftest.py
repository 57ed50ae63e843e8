from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.registry import executors
from core.settings import get_settings
from core.store.blobs import Blobs
from core.store.shared import SharedBlobs
from core.work import local
from core.work.executor import Executor
from tests.toolchains.tiny import use_tiny
from tests.work.cluster import loopback

KINDS = Path(__file__).parent / "kinds"


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process and the confined ones import the kinds of the tests."""
    monkeypatch.syspath_prepend(str(KINDS))
    monkeypatch.setattr(local, "ENV", {"PYTHONPATH": str(KINDS)})
    yield
    sys.modules.pop("probe_kind", None)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start a cluster whose nodes can import the kinds of the tests."""
    pytest.importorskip("ray")
    with loopback(tmp_path_factory.mktemp("ray"), PYTHONPATH=str(KINDS)) as started:
        yield started


EXECUTORS = ("local", "local toolchain", pytest.param("ray", marks=pytest.mark.slow))


@pytest.fixture(params=EXECUTORS)
def executor_id(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every executor that the contract is checked on, by its id; with units that need a toolchain, too."""
    name, _, toolchain = request.param.partition(" ")
    if toolchain:
        tiny = use_tiny(tmp_path_of(request), monkeypatch)
        monkeypatch.setattr(probe(), "TOOLCHAIN", tiny.id)
    if name == "ray":
        monkeypatch.setenv("WHETSTONE_RAY_ADDRESS", request.getfixturevalue("cluster").address)
        get_settings.cache_clear()
    return str(name)


@pytest.fixture
def blobs(executor_id: str, tmp_path: Path) -> Blobs:
    root = tmp_path / "blobs"
    return SharedBlobs(root, str(tmp_path / "shared")) if executor_id == "ray" else Blobs(root)


@pytest.fixture
def executor(executor_id: str, blobs: Blobs, tmp_path: Path) -> Executor:
    (tmp_path / "jobs").mkdir()
    made: Executor = executors()[executor_id](blobs, tmp_path / "jobs")
    return made


def probe() -> ModuleType:
    """Return the module of the tests' kind of work."""
    return importlib.import_module("probe_kind")


def tmp_path_of(request: pytest.FixtureRequest) -> Path:
    """Return a folder that all tests of this process share, so that the environment is made once."""
    base: Path = request.getfixturevalue("tmp_path_factory").getbasetemp() / "tiny-toolchain"
    base.mkdir(exist_ok=True)
    return base
