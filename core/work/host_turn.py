"""Turns on one machine, by a file lock of the host: what is timed has it to itself."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.settings import get_settings
from core.work.stop import Stop
from core.work.unit import Progress, unheard

LOCK = "whetstone-host.lock"
POLL_S = 0.05
PATIENCE = 0.25
"""Of the time that is left: rather a disturbed measurement, which says so, than none."""
WAITING = Progress(message="waiting for another measurement on this machine")
BEGUN = Progress(message="this machine is free now")
_held = threading.local()


@contextmanager
def host_turn(
    alone: bool, stop: Stop | None = None, on_progress: Callable[[Progress], None] = unheard
) -> Iterator[None]:
    """Wait until this machine is free; several workers or nodes on one share its cores.

    Within a turn of the same thread it waits for nothing.

    Args:
        alone: Whether nothing else may have a turn meanwhile; else others may that are not alone either.
        stop: Ends the waiting: when the work is stopped, or after a quarter of its time, without a turn then.
        on_progress: Told that it waits, and when that is over.

    Raises:
        Cancelled: The work was stopped.
    """
    file = None if getattr(_held, "turn", False) else _opened()
    if file is None:
        yield
        return
    try:
        _wait(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, stop or Stop(), on_progress)
        _held.turn = True
        yield
    finally:
        _held.turn = False
        os.close(file)


def _wait(file: int, how: int, stop: Stop, on_progress: Callable[[Progress], None]) -> None:
    end, told = time.monotonic() + PATIENCE * max(0.0, stop.remaining_s), False
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, how | fcntl.LOCK_NB)
            if told:
                on_progress(BEGUN)
            return
        if not told:
            told = True
            on_progress(WAITING)
        stop.check()
        if time.monotonic() > end:
            return
        time.sleep(POLL_S)


def _opened() -> int | None:
    """Open the lock of this host, whoever made it; None where another user keeps it to himself."""
    path = get_settings().host_lock or Path(tempfile.gettempdir()) / LOCK
    try:
        made = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
        os.fchmod(made, 0o644)  # to read is enough for a lock
        return made
    except FileExistsError:
        with suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        pass
    return None
