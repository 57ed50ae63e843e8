"""States of trainings that hosts share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.store.shared import SharedBlobs
from core.store.states import MOST_FILES, SharedStates


@pytest.fixture
def files(tmp_path: Path) -> SharedBlobs:
    return SharedBlobs(tmp_path / "blobs", str(tmp_path / "shared"))


@pytest.fixture
def states(files: SharedBlobs) -> SharedStates:
    return files.states


def folder(tmp_path: Path, name: str, **files: bytes) -> Path:
    made = tmp_path / name
    made.mkdir()
    for each, content in files.items():
        (made / each).write_bytes(content)
    return made


def test_a_state_is_replaced_as_a_whole_and_forgotten(states: SharedStates, tmp_path: Path) -> None:
    states.fetch("t1", folder(tmp_path, "nothing"))
    assert not any((tmp_path / "nothing").iterdir())
    states.put("t1", folder(tmp_path, "first", state=b"1", more=b"m"))
    states.put("t1", folder(tmp_path, "second", state=b"22"))
    states.put("t1", folder(tmp_path, "empty"))
    states.fetch("t1", found := folder(tmp_path, "found"))
    assert {path.name: path.read_bytes() for path in found.iterdir()} == {"state": b"22"}
    states.forget("t1")
    states.forget("t1")
    assert not states.has("t1")


def test_links_pipes_and_folders_stay_where_they_are(states: SharedStates, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    given = folder(tmp_path, "given", state=b"1")
    (given / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(given / "pipe")
    (given / "deep").mkdir()
    states.put("t1", given)
    states.fetch("t1", found := folder(tmp_path, "found"))
    assert [path.name for path in found.iterdir()] == ["state"]
    crowd = folder(tmp_path, "crowd", **{f"f{at}": b"" for at in range(MOST_FILES + 1)})
    states.put("t2", crowd)
    assert not states.has("t2")


def test_a_damaged_state_is_none(states: SharedStates, tmp_path: Path) -> None:
    states.put("t1", folder(tmp_path, "given", state=b"1"))
    (tmp_path / "shared" / "states" / "t1.tar").write_bytes(b"no archive")
    states.fetch("t1", found := folder(tmp_path, "found"))
    assert not any(found.iterdir())


def test_sweeps_tell_states_from_contents(files: SharedBlobs, tmp_path: Path) -> None:
    files.states.put("t1", folder(tmp_path, "given", state=b"1"))
    files.sweep(set(), -1.0)
    files.states.sweep(60.0)
    assert files.states.has("t1")
    files.states.sweep(-1.0)
    assert not files.states.has("t1")
