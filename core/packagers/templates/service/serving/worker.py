"""One thread that loads a version and runs what is submitted, in the order in which it came."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import perf_counter

import numpy as np

from serving.errors import Refused
from serving.inputs import Array, Feed
from serving.kit import Kit
from serving.settings import Batches, Settings


@dataclass(slots=True)
class Answer:
    """Outputs of one request, and how they came about.

    `batch` is the number of rows of the call that computed them; times are in milliseconds.
    """

    outputs: dict[str, Array]
    version: str
    batch: int = 0
    queue_ms: float = 0.0
    inference_ms: float = 0.0
    cached: bool = False
    fallback: bool = False


@dataclass(slots=True)
class Job:
    """A request that waits for the model."""

    feed: Feed
    rows: int
    future: Future[Answer] = field(default_factory=Future)
    began: float = field(default_factory=perf_counter)


Jobs = SimpleQueue[Job | None]
Take = Callable[[Jobs], list[Job]]
"""Returns what to run next in one call; nothing at the end."""


def one_by_one(jobs: Jobs) -> list[Job]:
    """Return the next request alone."""
    job = jobs.get()
    return [] if job is None else [job]


class Worker:
    """A version that answers once `ready` is done.

    Args:
        folder: Of the kit.
        settings: Of the service.
        take: Chooses what runs in one call.
    """

    def __init__(self, folder: Path, settings: Settings, take: Take = one_by_one) -> None:
        self.name, self._folder, self._take = folder.name, folder, take
        self._batches, self._most = settings.batches, settings.max_waiting
        self._outputs = [spec.name for spec in settings.outputs]
        self._jobs: Jobs = SimpleQueue()
        self.ready: Future[Kit] = Future()
        self._thread = Thread(target=self._work, name=f"model-{self.name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return self._jobs.qsize()

    def submit(self, feed: Feed, rows: int) -> Future[Answer]:
        """Queue a request.

        Raises:
            Refused: The model is not loaded, or too many wait already.
        """
        if not self.ready.done() or self.ready.exception() is not None:
            raise Refused(503, "The model is not ready. GET /ready says why.", headers={"Retry-After": "5"})
        if self._jobs.qsize() >= self._most:
            raise Refused(503, "Too many requests wait. Try again in a moment.", headers={"Retry-After": "1"})
        job = Job(feed, rows)
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Answer what waits, then end."""
        self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            kit = Kit(self._folder)
            for size in self._batches.sizes if not self._batches.fixed else []:
                self._warm(kit, size)
            self.ready.set_result(kit)
        except BaseException as error:
            self.ready.set_exception(error)
            return
        while jobs := self._take(self._jobs):
            if wanted := [job for job in jobs if job.future.set_running_or_notify_cancel()]:
                self._answer(kit, wanted)

    def _warm(self, kit: Kit, size: int) -> None:
        """Run each size once: some runtimes compile for each."""
        feed, _ = next(kit.golden())
        if self._batches.symbol is not None:
            kit.run({name: np.resize(value, (size, *value.shape[1:])) for name, value in feed.items()})

    def _answer(self, kit: Kit, jobs: list[Job]) -> None:
        feeds = [job.feed for job in jobs]
        feed = feeds[0] if len(jobs) == 1 else {n: np.concatenate([f[n] for f in feeds]) for n in feeds[0]}
        rows, begin = sum(job.rows for job in jobs), perf_counter()
        try:
            outputs = self._call(kit, feed, rows)
        except Exception as error:
            self._failed(kit, jobs, error)
            return
        took, start = 1e3 * (perf_counter() - begin), 0
        for job in jobs:
            part = outputs if len(jobs) == 1 else [each[start : start + job.rows] for each in outputs]
            start += job.rows
            named = dict(zip(self._outputs, part, strict=True))
            job.future.set_result(Answer(named, self.name, rows, 1e3 * (begin - job.began), took))

    def _failed(self, kit: Kit, jobs: list[Job], error: Exception) -> None:
        """Tell the caller; of several requests in one call, run each alone: one may be to blame."""
        if len(jobs) > 1:
            for job in jobs:
                self._answer(kit, [job])
            return
        said = " ".join(str(error).split())[:300]
        jobs[0].future.set_exception(Refused(500, f"The model failed on this input: {said}"))

    def _call(self, kit: Kit, feed: Feed, rows: int) -> list[Array]:
        if self._batches.symbol is None or (rows in self._batches.sizes):
            return kit.run(feed)
        parts, done = [], 0
        for size in sizes_for(self._batches, rows):
            taken = min(size, rows - done)
            part = {name: _rows(value, done, taken, size) for name, value in feed.items()}
            parts.append([output[:taken] for output in kit.run(part)])
            done += taken
        return [np.concatenate(each) for each in zip(*parts, strict=True)]


def sizes_for(batches: Batches, rows: int) -> list[int]:
    """Return the sizes of the calls for so many rows: the largest that are full, then the smallest."""
    found: list[int] = []
    while (left := rows - sum(found)) > 0:
        found.append(max((size for size in batches.sizes if size <= left), default=min(batches.sizes)))
    return found


def _rows(value: Array, start: int, count: int, size: int) -> Array:
    part = value[start : start + count]
    return part if count == size else np.resize(part, (size, *part.shape[1:]))
