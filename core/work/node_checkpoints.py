"""Checkpoints of a training on a node: fetched from the shared store at its start, put there now and then.

They outlive the node: when it is lost, the training goes on from them on another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from core.errors import StoreUnusable

PUT_S, PUT_SHARE = 3.0, 0.05
"""Seconds between two looks for a newer state, and the share of the time that putting it may take."""
LOG = logging.getLogger(__name__)


class States(Protocol):
    """States of trainings by name, for all nodes."""

    def has(self, name: str) -> bool:
        """Whether there is one."""

    def put(self, name: str, folder: Path) -> None:
        """Replace it by the plain files in `folder`."""

    def fetch(self, name: str, folder: Path) -> None:
        """Lay it out in `folder`, where there is one."""


@contextmanager
def travelling(states: States, name: str, folder: Path) -> Iterator[Path]:
    """Keep the checkpoints in `folder` those of `name`, while something is trained and at its end."""
    folder.mkdir()
    states.fetch(name, folder)
    keeper = _Keeper(states, name, folder)
    keeper.start()
    try:
        yield folder
    finally:
        keeper.end()


class _Keeper(threading.Thread):
    def __init__(self, states: States, name: str, folder: Path) -> None:
        super().__init__(daemon=True)
        self._states, self._name, self._folder = states, name, folder
        self._over, self._kept = threading.Event(), _signature(folder)

    def run(self) -> None:
        wait = PUT_S
        while not self._over.wait(wait):
            began = time.monotonic()
            self._put()
            wait = max(PUT_S, (time.monotonic() - began) / PUT_SHARE)

    def end(self) -> None:
        """Stop, and put what has come since."""
        self._over.set()
        self.join()
        self._put()

    def _put(self) -> None:
        now = _signature(self._folder)
        if now == self._kept:
            return
        try:
            self._states.put(self._name, self._folder)
            self._kept = now
        except StoreUnusable as error:
            LOG.warning("No checkpoint of %s was shared: %s Trying again.", self._name, error.message)


def _signature(folder: Path) -> list[tuple[str, int, int, int]]:
    """Return what differs when a file in `folder` was put in place."""
    found = []
    for path in sorted(folder.iterdir()):
        try:
            told = path.lstat()
        except FileNotFoundError:
            continue  # renamed meanwhile
        found.append((path.name, told.st_ino, told.st_mtime_ns, told.st_size))
    return found
