"""Cancellation: at a deadline, or because a person says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Cancelled, Paused
from core.sandbox.process import Child


class Stop:
    """Ends the work in progress: at a deadline, or when another thread says so.

    Args:
        deadline: Value of `time.monotonic` after which no step may go on; None for no limit.

    Attributes:
        event: Set once the work is stopped.
        rests: Whether no further step may begin.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self.event = threading.Event()
        self.rests = False
        self._deadline = deadline
        self._child: Child | None = None
        self._training: Stop | None = None
        self._lock = threading.Lock()

    def set(self) -> None:
        """Stop now; the working process is killed and its caller sees `Cancelled`."""
        self.event.set()
        with self._lock:
            if self._training is not None:
                self._training.set()
            if self._child is not None:
                self._child.kill()

    def finish(self) -> None:
        """Stop a training that goes on, and nothing else."""
        with self._lock:  # it may end by itself meanwhile
            if self._training is not None:
                self._training.set()

    @contextmanager
    def training(self) -> Iterator[Stop]:
        """Give a stop of its own to a training: it is set with this one, and by `finish`.

        Raises:
            Cancelled: The work was stopped before.
        """
        inner = Stop(self._deadline)
        with self._lock:  # with the check inside: `set` comes before both, or finds it
            self.check()
            self._training = inner
        try:
            yield inner
        finally:
            with self._lock:
                self._training = None

    def rest(self) -> None:
        """Let the step that is going on come to its end, and no other begin."""
        self.rests = True

    def check(self) -> None:
        """Raise if the work was stopped.

        Raises:
            Cancelled: It was.
        """
        if self.event.is_set():
            raise Cancelled("The run was cancelled.")

    def begin(self) -> None:
        """Raise if no further step may begin: what was done before is kept by now.

        Raises:
            Cancelled: The work was stopped.
            Paused: It is to rest.
        """
        self.check()
        if self.rests:
            raise Paused("The run was paused.")

    def over(self) -> bool:
        """Whether the work was stopped or its time is up."""
        return self.event.is_set() or self.remaining_s <= 0

    @property
    def remaining_s(self) -> float:
        """Seconds to the deadline."""
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Let the deadline be another one while the block runs."""
        before, self._deadline = self._deadline, None if deadline == float("inf") else deadline
        try:
            yield
        finally:
            self._deadline = before

    @contextmanager
    def watching(self, child: Child) -> Iterator[Child]:
        """Kill `child` when the work is stopped while the block runs."""
        with self._lock:  # with the check inside: `set` comes before both, or finds the child
            self.check()
            self._child = child
        try:
            yield child
        finally:
            with self._lock:
                self._child = None
