"""Live progress of a measurement for the page, throttled so as not to disturb it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Self

from core.bench.timing.endpoint import timing_cores
from core.errors import WhetstoneError
from core.store.store import Store

EVERY_S = 0.5
MOST_CALLS = 240


def thinned(calls: list[float]) -> tuple[float, ...]:
    """Return at most 240 of `calls`, evenly spaced, in their order."""
    step = max(1, -(-len(calls) // MOST_CALLS))
    return tuple(round(value, 5) for value in calls[::step])


class LiveReport:
    """Writes the calls of one measurement into the store, twice a second at most; a context manager.

    A thread of its own writes, off the cores that are timed where there are others: `add` only puts a block
    aside.

    Args:
        store: Where the page looks.
        run_id: The run.
        worker: Id of the worker that holds it.
        candidate_id: What is measured.
        threads: Of the measured runtime; its cores are left alone.
    """

    def __init__(self, store: Store, run_id: str, worker: str, candidate_id: str, threads: int) -> None:
        self._store, self._run_id, self._worker = store, run_id, worker
        self._candidate_id, self._threads = candidate_id, threads
        self._calls: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def add(self, block: list[float]) -> None:
        """Take note of the milliseconds of a block of calls."""
        self._calls.extend(block)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        cores = timing_cores(self._threads)
        if cores and (others := os.sched_getaffinity(0) - cores):
            os.sched_setaffinity(0, others)
        told, over = 0, False
        while not over:
            over = self._over.wait(EVERY_S)
            if len(self._calls) > told:
                told = len(self._calls)
                self._put(self._calls[:told])

    def _put(self, calls: list[float]) -> None:
        # Where it fails only a picture is lost; what matters is said where the result is stored.
        with suppress(WhetstoneError):
            self._store.live.put(self._run_id, self._worker, self._candidate_id, thinned(calls), len(calls))
