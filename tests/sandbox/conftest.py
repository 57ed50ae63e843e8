from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.sandbox.confinement import confinement
from core.sandbox.process import Child

MODULE = "child_commands"
ENV = {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
CHILD_TIMEOUT = 90.0

Run = Callable[..., dict[str, Any]]

needs_confinement = pytest.mark.skipif(not confinement().available, reason=confinement().reason)


@pytest.fixture(params=["started", "forked"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a child may write: one with a Python of its own, then one that a fork server forks."""
    imports = () if request.param == "forked" else None
    monkeypatch.setitem(Child.__init__.__kwdefaults__, "imports", imports)
    return tmp_path / "folder"


@pytest.fixture
def run(folder: Path) -> Run:
    """Run one command in a child of its own."""

    def one(
        command: str, timeout: float = CHILD_TIMEOUT, *, options: dict[str, Any] | None = None, **payload: Any
    ):
        with Child(MODULE, writes=folder, env=ENV, **(options or {})) as child:
            return child.call(command, payload, timeout)

    return one
