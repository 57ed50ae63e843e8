"""CPU affinity: the server keeps off the cores that measurements are pinned to.

The stopwatch times on the last cores that a process may use (`timing_cores`). A server that draws pages
meanwhile would disturb it, so it keeps itself, and the uploads it looks at, to the first quarter of its
cores. Runs with more threads than the other three quarters overlap with it all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TASKS = Path("/proc/self/task")

_given: frozenset[int] | None = None


def given_cores() -> frozenset[int] | None:
    """Return the cores this process was given, whatever it keeps to; None where the system does not say."""
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity is None:
        return None
    return frozenset(affinity(0)) if _given is None else _given


def keep_off_timing() -> frozenset[int]:
    """Keep this process, every thread of it and all it starts to its first cores; return those.

    Nothing changes where there is one core only, or where the system cannot do it.
    """
    global _given
    cores = given_cores() or frozenset()
    own = frozenset(sorted(cores)[: max(1, len(cores) // 4)])
    if len(cores) > 1:
        _given = cores
        kept: set[str] = set()
        while fresh := {thread.name for thread in TASKS.iterdir()} - kept:
            for thread in fresh:
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.sched_setaffinity(int(thread), own)
            kept |= fresh
    return own


@contextmanager
def all_cores() -> Iterator[None]:
    """Let what this thread starts meanwhile have all cores that this process was given, such as a worker."""
    if _given is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _given)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
