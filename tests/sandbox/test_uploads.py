"""Hostile model files, really opened: free they write outside, in a confined child they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archives.conftest import TorchFiles, torch_files
from tests.archives.hostile import PROGRAMS, SCRIPTS, rewrite
from tests.sandbox.conftest import Run, needs_confinement

__all__ = ["torch_files"]
pytestmark = needs_confinement
NAMES = (*PROGRAMS, *SCRIPTS)


@pytest.fixture
def hostile(tmp_path: Path, torch_files: TorchFiles) -> dict[str, Path]:
    """Model files by name; each writes `tmp_path/ran/<name>`."""
    (tmp_path / "ran").mkdir()
    (tmp_path / "uploads").mkdir()
    files = {}
    for name, change in PROGRAMS.items():
        target = tmp_path / "uploads" / f"{name}.pt2"
        files[name] = rewrite(torch_files.program, target, change(tmp_path / "ran" / name))
    for name, make in SCRIPTS.items():
        files[name] = make(tmp_path / "uploads" / f"{name}.pt", tmp_path / "ran" / name)
    return files


def written(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "ran").iterdir()}


def test_hostile_models_write_outside_only_when_they_are_free(
    run: Run, tmp_path: Path, hostile: dict[str, Path]
) -> None:
    paths = [str(path) for path in hostile.values()]
    run("open_models", paths=paths, options={"confined": False})
    assert written(tmp_path) == set(NAMES), "the attacks must work, or this test proves nothing"
    for path in (tmp_path / "ran").iterdir():
        path.unlink()

    errors = run("open_models", paths=paths, options={"reads": [tmp_path / "uploads"]})
    assert written(tmp_path) == set()
    # TorchScript's torch.save says nothing when its file cannot be opened, so "on_load" just has no effect.
    for name in ("sample_inputs", "expression", "guard", "on_run"):
        assert "Permission denied" in errors[name] or "Operation not permitted" in errors[name]
