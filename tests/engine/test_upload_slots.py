"""Uploads that are read at once."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.engine import upload_slots
from core.errors import ChildTimeout
from core.settings import get_settings


@pytest.fixture
def short_of_memory(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setenv("WHETSTONE_CHILD_MEMORY_BYTES", str(10**15))
    monkeypatch.setenv("WHETSTONE_CHILD_TIMEOUT_S", "5")
    get_settings.cache_clear()


def test_no_more_are_read_at_once_than_memory_allows(short_of_memory: None) -> None:
    inside, most, gate = [0], [0], threading.Barrier(upload_slots.FEWEST)

    def read() -> None:
        with upload_slots.turn():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            gate.wait(timeout=5)
            inside[0] -= 1

    threads = [threading.Thread(target=read) for _ in range(4 * upload_slots.FEWEST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert (most[0], inside[0]) == (upload_slots.FEWEST, 0)


def test_whoever_waits_too_long_is_told(short_of_memory: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHETSTONE_CHILD_TIMEOUT_S", "0.1")
    get_settings.cache_clear()
    with ExitStack() as others:
        for _ in range(upload_slots.FEWEST):
            others.enter_context(upload_slots.turn())
        with pytest.raises(ChildTimeout, match="other uploads"):
            others.enter_context(upload_slots.turn())
    with upload_slots.turn():
        pass
