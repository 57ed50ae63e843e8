"""Preemption and steal: run-queue wait of a timed call's threads, which other programs took."""

from __future__ import annotations

import os
from pathlib import Path
from resource import RUSAGE_SELF, getrusage, struct_rusage
from typing import Self

THREADS = Path("/proc/self/task")


class Waits:
    """Run-queue wait of this process's threads (schedstat); use it as a context manager.

    The kernel counts it for every thread, in nanoseconds (``schedstat``). Where it does not tell, nothing
    counts as lost.
    """

    def __init__(self) -> None:
        self._files = [file for thread in _threads() if (file := _opened(thread / "schedstat")) is not None]
        affinity = getattr(os, "sched_getaffinity", None)
        self._cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        self._waited, self._usage = self._read(), getrusage(RUSAGE_SELF)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            os.close(file)

    def lost(self, took_ns: int) -> int:
        """Return the nanoseconds that other programs took from a call of `took_ns` that has just ended.

        It is the longest wait of any thread, but no more than what the cores did for others in that time:
        threads of this process that stand in each other's way are a cost of the call itself. A call is what
        came since the last question.
        """
        usage = getrusage(RUSAGE_SELF)
        before, self._usage = self._usage, usage
        if _switches(usage) == _switches(before):
            return 0
        waited = self._read()
        longest = max((new - old for new, old in zip(waited, self._waited, strict=True)), default=0)
        self._waited = waited
        others = self._cores * took_ns - int(1e9 * (_seconds(usage) - _seconds(before)))
        return max(0, min(longest, others, took_ns))

    def _read(self) -> list[int]:
        return [_delay(file) for file in self._files]


def _threads() -> list[Path]:
    return list(THREADS.iterdir()) if THREADS.is_dir() else []


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _delay(file: int) -> int:
    try:
        return int(os.pread(file, 64, 0).split()[1])
    except (OSError, IndexError):
        # A thread that has ended waits no more.
        return 0


def _switches(usage: struct_rusage) -> int:
    return usage.ru_nivcsw + usage.ru_nvcsw


def _seconds(usage: struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime
