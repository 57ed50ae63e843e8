"""Threads of another process: how many there are, and CPU affinity for all of them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# A thread may start another while the list is read; one that never stops doing so is let be.
_LOOKS = 8


def thread_count(pid: int) -> int:
    """Return how many threads the process has; 0 where it has ended."""
    with suppress(OSError):
        return _folder(pid).stat().st_nlink - 2
    return 0


def group_tasks(group: int) -> int:
    """Return how many threads all processes of a process group have."""
    return sum(map(thread_count, members(group)))


def members(group: int) -> list[int]:
    """Return the processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            found += [int(folder.name)] if os.getpgid(int(folder.name)) == group else []
    return found


def pin_threads(pid: int, cores: set[int]) -> None:
    """Keep all threads of the process, and those that they start, on `cores`."""
    kept: set[int] = set()
    for _ in range(_LOOKS):
        if not (fresh := _threads(pid) - kept):
            return
        for thread in fresh:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cores)
        kept |= fresh


def _threads(pid: int) -> set[int]:
    try:
        return {int(path.name) for path in _folder(pid).iterdir()}
    except OSError:  # it ended, which the next call will say
        return set()


def _folder(pid: int) -> Path:
    return Path(f"/proc/{pid}/task")
