"""Shadow traffic: another version is asked the same, answers nobody, and is compared.

It gets what it has time for: while `MOST_WAITING` requests wait for it, it is asked nothing.
"""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock
from typing import Any

import numpy as np

from serving.errors import Refused
from serving.inputs import Feed
from serving.settings import Settings
from serving.worker import Answer, Worker

MOST_WAITING = 4


class Shadow:
    """Compares a version with the one that answers.

    Args:
        settings: Of the service.
        worker: Of the version.
    """

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self._settings, self._worker, self._lock = settings, worker, Lock()
        self._seen: dict[str, float] = dict.fromkeys(("asked", "left_out", "failed", "rows", "agreed"), 0)
        self._largest, self._ms = 0.0, [0.0, 0.0]

    def ask(self, feed: Feed, rows: int, answer: Future[Answer]) -> None:
        """Ask it what another version was asked, and compare once both have answered."""
        if self._worker.waiting >= MOST_WAITING:
            self._count(left_out=1)
            return
        try:
            ours = self._worker.submit(feed, rows)
        except Refused:  # it is not loaded yet, or cannot be
            self._count(left_out=1)
            return
        ours.add_done_callback(lambda _: answer.add_done_callback(lambda theirs: self._compare(ours, theirs)))

    def _compare(self, ours: Future[Answer], theirs: Future[Answer]) -> None:
        if theirs.cancelled() or theirs.exception() is not None:
            return
        if ours.exception() is not None:
            self._count(asked=1, failed=1)
            return
        mine, wanted = ours.result(), theirs.result()
        largest = max(_difference(mine.outputs[name], value) for name, value in wanted.outputs.items())
        scores = self._settings.scores
        agreed = (
            mine.outputs[scores].argmax(-1) == wanted.outputs[scores].argmax(-1) if scores else np.zeros(0)
        )
        self._count(asked=1, rows=agreed.size, agreed=int(agreed.sum()))
        with self._lock:
            self._largest = max(self._largest, largest)
            self._ms = [self._ms[0] + mine.inference_ms, self._ms[1] + wanted.inference_ms]

    def _count(self, **more: int) -> None:
        with self._lock:
            for name, value in more.items():
                self._seen[name] += value

    def report(self) -> dict[str, Any]:
        """Return how often it was asked, and how its answers differ."""
        with self._lock:
            seen, answered = dict(self._seen), max(self._seen["asked"] - self._seen["failed"], 1)
            told = {"largest_difference": self._largest, "mean_ms": self._ms[0] / answered}
            told["mean_ms_of_answers"] = self._ms[1] / answered
        return {"version": self._worker.name, **seen, **told}


def _difference(ours: Any, theirs: Any) -> float:
    """Return the largest difference of two outputs, by the largest number of the second."""
    if ours.shape != theirs.shape:
        return float("inf")
    gap = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max(initial=0.0)
    return float(gap / max(np.abs(theirs.astype(np.float64)).max(initial=0.0), 1e-6))
