"""Measuring process, parent's side: one artifact on one runtime, fresh and confined."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from core.bench.timing.blocks import Block
from core.bench.timing.commands import IMPORT, OPEN, TIME, Open, Opened, Time
from core.bench.timing.process_start import HOST, ProcessStart
from core.bench.timing.spares import taken
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import Cancelled
from core.machine.environment import usable_cores
from core.protocols import LocalArtifact
from core.sandbox.answers import figures
from core.sandbox.commands import Command
from core.serde import to_plain
from core.settings import get_settings

Q = TypeVar("Q")
A = TypeVar("A", bound=msgspec.Struct)
CANCEL_POLL_S = 0.3
Cancel = Callable[[], bool]


@dataclass(frozen=True)
class Endpoint:
    """What a process loads and measures: artifact, target, model.

    Attributes:
        artifact: The built files.
        target: Runtime, threads and batch.
        model: The source model, which names inputs and outputs.
    """

    artifact: LocalArtifact
    target: Target
    model: SourceModel


def never() -> bool:
    """Return False: nobody cancels."""
    return False


def timing_cores(threads: int) -> set[int]:
    """Return the last `threads` of the cores this process may use: the first is where interrupts land."""
    affinity = getattr(os, "sched_getaffinity", None)
    return set(sorted(affinity(0))[-threads:]) if affinity else set()


@contextmanager
def parent_elsewhere(cores: set[int]) -> Iterator[None]:
    """Keep the calling thread off `cores` while they are timed, where other cores are left for it."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    if others := before - cores:
        os.sched_setaffinity(0, others)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Host:
    """A measuring process; use it as a context manager.

    It is one that waits already, where there is such, see `core.bench.timing.spares`.

    Args:
        endpoint: What it opens.
        folder: For what it writes; that lies there at the latest when it is closed.
        data: Folder of the data set, or None for random inputs.
        cores: Cores that `pin` keeps it to.
        cancel: Asked while a long command runs; True stops the process.
        module: Whose commands it answers.

    Attributes:
        written: The one folder that it may write, until it is closed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        folder: Path,
        data: Path | None,
        cores: set[int],
        cancel: Cancel = never,
        module: str = HOST,
    ) -> None:
        self._endpoint, self._cores, self._cancel = endpoint, cores, cancel
        self._folder = folder
        # Of the thread that measures, which keeps off those that are timed meanwhile.
        affinity = getattr(os, "sched_getaffinity", None)
        self._all_cores: set[int] = affinity(0) if affinity else set()
        self._copies = max(1, usable_cores() // endpoint.target.threads)
        self._opened: Opened | None = None
        self._opening, self._ready = threading.Lock(), False
        self._timeout = get_settings().child_timeout_s
        artifact = endpoint.artifact
        self._start = ProcessStart.of(endpoint.target, artifact.format, endpoint.model, module)
        self._spare = taken(self._start)
        if self._spare is None:
            self.written = folder
            self._child = self._start.child(folder, [*artifact.files, *([data] if data else [])])
        else:
            self.written, self._child = self._spare.written, self._spare.child
            artifact, data = self._spare.give(artifact, data)
        self._artifact, self._data = artifact, data

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Safe to call twice."""
        self._child.close()
        spare, self._spare = self._spare, None
        if spare is not None:
            with closing(spare):
                spare.leave(self._folder)

    def ready(self) -> None:
        """Import the runtime's libraries on whatever cores are free, then keep to those that are timed.

        Once, however often it is asked for.
        """
        with self._opening:
            if not self._ready:
                self.ask(IMPORT, self._start.importing)
                if self._cores:
                    self._child.keep_to(self._cores)
                self._ready = True

    def open(self) -> Opened:
        """Load and warm up, once, however many threads ask."""
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
        return self._opened

    def _open(self) -> Opened:
        return self.ask(OPEN, self.opening)

    @property
    def opening(self) -> Open:
        """What its commands that load the artifact are asked."""
        artifact, target = self._artifact, self._endpoint.target
        files = tuple(path.resolve() for path in artifact.files)
        artifact = replace(artifact, path=artifact.path.resolve(), files=files, details={})
        data = self._data.resolve() if self._data else None
        return Open(artifact, target, self._endpoint.model, data)

    def ask(self, command: Command[Q, A], request: Q, read: Callable[[Any, type[A]], A] = figures) -> A:
        """Return the answer to a command that may take long and can be cancelled.

        Args:
            command: What to do.
            request: Its request.
            read: Checks the answer, by default one of figures alone.

        Raises:
            WhetstoneError: What the command raised, or Cancelled.
            UnsafeUpload: The answer is of another form.
        """
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watcher.start()
        try:
            return self._told(command, request, read)
        finally:
            done.set()
            watcher.join()

    def _told(self, command: Command[Q, A], request: Q, read: Callable[[Any, type[A]], A] = figures) -> A:
        return read(self._child.call(command.name, to_plain(request), self._timeout), command.answer)

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(CANCEL_POLL_S):
            if self._cancel():
                self._child.kill()
                return

    def spread(self) -> int:
        """Give the process all cores, and return how many copies of the model they have room for.

        Nothing that is timed afterwards means anything.
        """
        if self._cores:
            self._child.keep_to(self._all_cores)
        return self._copies

    def block(self, calls: int, settle_ms: float) -> Block:
        """Return the times of `calls` calls; the parent sleeps meanwhile.

        Raises:
            Cancelled: The person asked to stop.
        """
        if self._cancel():
            raise Cancelled("The measurement was stopped.")
        told = self._told(TIME, Time(calls, settle_ms))
        return Block(np.asarray(told.ms, np.float64), np.asarray(told.lost_ms, np.float64))
