"""Dynamic batching: requests that wait together run in one call."""

from __future__ import annotations

from queue import Empty
from time import monotonic

from serving.settings import Batches
from serving.worker import Job, Jobs


class Together:
    """Takes requests until the largest batch is full, or the first has waited for `delay_ms`.

    What came while the model was busy waits no longer: it goes at once.
    """

    def __init__(self, batches: Batches) -> None:
        self._most, self._delay_s = max(batches.sizes), batches.delay_ms / 1e3
        self._held: Job | None = None
        self._over = False

    def __call__(self, jobs: Jobs) -> list[Job]:
        """Return requests for one call; nothing at the end."""
        first, self._held = self._held or (None if self._over else jobs.get()), None
        if first is None:
            return []
        taken, rows, until = [first], first.rows, monotonic() + self._delay_s
        while rows < self._most and (job := self._next(jobs, until)) is not None:
            if rows + job.rows > self._most or _shapes(job) != _shapes(first):
                self._held = job
                break
            taken.append(job)
            rows += job.rows
        return taken

    def _next(self, jobs: Jobs, until: float) -> Job | None:
        left = until - monotonic()
        try:
            job = jobs.get(timeout=left) if left > 0 else jobs.get_nowait()
        except Empty:
            return None
        self._over = self._over or job is None
        return job


def _shapes(job: Job) -> list[tuple[int, ...]]:
    return [value.shape[1:] for value in job.feed.values()]
