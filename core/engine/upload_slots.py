"""Semaphore for uploads: each may take much memory, and every visitor of a page starts a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from core.errors import ChildTimeout
from core.machine.environment import memory_limit
from core.settings import get_settings

# One that takes long should not hold up everybody; where memory is short the child is the first to go.
FEWEST, MOST = 2, 8


@contextmanager
def turn() -> Iterator[None]:
    """Wait until fewer others read an upload than memory allows, and count as one of them in the block.

    Raises:
        ChildTimeout: The others took too long.
    """
    turns, patience = _turns(_places()), get_settings().child_timeout_s
    if not turns.acquire(timeout=patience):
        raise ChildTimeout(
            f"{_places()} other uploads were being read for {patience:.0f} seconds.",
            hint="Try again in some minutes.",
        )
    try:
        yield
    finally:
        turns.release()


def _places() -> int:
    return max(FEWEST, min(MOST, memory_limit() // get_settings().child_memory_bytes))


@cache
def _turns(places: int) -> BoundedSemaphore:
    return BoundedSemaphore(places)
