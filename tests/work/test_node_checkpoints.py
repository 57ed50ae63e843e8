"""Checkpoints on their way from a node to the next."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.errors import StoreUnusable
from core.store.shared import SharedBlobs
from core.work import node_checkpoints
from core.work.node_checkpoints import travelling


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_checkpoints, "PUT_S", 0.01)


def save(folder: Path, content: str) -> None:
    (folder / "state.new").write_text(content)
    (folder / "state.new").replace(folder / "state")


def test_what_a_lost_node_had_kept_is_where_the_next_begins(tmp_path: Path) -> None:
    states = SharedBlobs(tmp_path / "blobs", str(tmp_path / "shared")).states
    with travelling(states, "t1", tmp_path / "one") as folder:
        assert not any(folder.iterdir())
        save(folder, "step 1")
        until = time.monotonic() + 10
        while not states.has("t1") and time.monotonic() < until:
            time.sleep(0.01)
        with travelling(states, "t1", tmp_path / "two") as other:  # as if the first were lost by now
            assert (other / "state").read_text() == "step 1"
        save(folder, "step 2")
    with travelling(states, "t1", tmp_path / "three") as folder:
        assert (folder / "state").read_text() == "step 2", "the last one is put at the end"


def test_a_store_that_cannot_be_written_for_a_while_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = SharedBlobs(tmp_path / "blobs", str(tmp_path / "shared")).states
    put, tried = states.put, list[str]()

    def often(name: str, folder: Path) -> None:
        tried.append(name)
        if len(tried) < 3:
            raise StoreUnusable("No room.")
        put(name, folder)

    monkeypatch.setattr(states, "put", often)
    with travelling(states, "t1", tmp_path / "one") as folder:
        save(folder, "step 1")
        until = time.monotonic() + 10
        while not states.has("t1") and time.monotonic() < until:
            time.sleep(0.01)
    assert states.has("t1")
