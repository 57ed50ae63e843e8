"""Spare measuring processes: started ahead, with their libraries imported, each for one artifact.

A spare is the process that a measurement would start, only earlier: a Python of its own with the same
environment, confined to folders of its own that are still empty. The artifact is laid out there once the
process is taken.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from core.bench.timing.process_start import ProcessStart
from core.errors import WhetstoneError
from core.machine.environment import memory_available, memory_limit
from core.protocols import LocalArtifact
from core.work.folders import job_folder

# So much of the memory stays free for everybody else.
ROOM_SHARE, ROOM_BYTES = 0.2, 2 << 30
KEPT = 0.97
"""Of what it held after its imports: what went since would come back as memory of its model."""


class Spare:
    """One process that waits.

    Args:
        start: What it is.
        jobs: Where it gets its folder.
    """

    def __init__(self, start: ProcessStart, jobs: Path) -> None:
        self.start, self.importing, self.failed = start, True, False
        self._resident = 0
        with ExitStack() as stack:
            folder = stack.enter_context(job_folder(jobs))
            self._given = folder / "in"
            self._given.mkdir()
            # Of the length of a measurement's own: it enters the environment, whose size moves the stack.
            self.written = folder / "out" / "candidate"
            self.child = start.child(self.written, [self._given])
            stack.callback(self.child.close)
            self._stack = stack.pop_all()
        self._thread = threading.Thread(target=self._import, daemon=True)
        self._thread.start()

    def _import(self) -> None:
        try:
            self.start.import_in(self.child)
            self._resident = _resident(self.child.pid)
        except WhetstoneError:
            self.failed = True
        self.importing = False

    @property
    def usable(self) -> bool:
        """Whether it is as good as a fresh process: alive, and with nothing of it pushed out of memory."""
        if self.importing:
            return True
        return not self.failed and _resident(self.child.pid) >= KEPT * self._resident > 0

    def give(self, artifact: LocalArtifact, data: Path | None) -> tuple[LocalArtifact, Path | None]:
        """Lay an artifact and its rows out where it may read them, and return both as they lie there.

        Raises:
            OSError: The disk is full; the process has ended then.
        """
        root = Path(os.path.commonpath([path.parent for path in artifact.files]))
        there = {path: self._given / "model" / path.relative_to(root) for path in artifact.files}
        try:
            for path, place in there.items():
                place.parent.mkdir(parents=True, exist_ok=True)
                _link(path, place)
            if data is not None:
                data = shutil.copytree(data, self._given / "data", copy_function=_link)
        except OSError:
            self.close()
            raise
        return replace(artifact, path=there[artifact.path], files=tuple(there.values())), data

    def leave(self, folder: Path) -> None:
        """Bring what the process wrote, which has ended, to `folder`, unless there is something already."""
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            self.written.rename(folder)

    def close(self) -> None:
        """End the process and remove its folders. Safe to call twice."""
        self.child.kill()
        self._stack.close()
        self._thread.join()


_waiting: list[Spare] = []
_useless: set[ProcessStart] = set()
_choosing = threading.Lock()


def fill(wanted: Sequence[ProcessStart], jobs: Path) -> None:
    """Start the next process of `wanted` that does not wait yet, and end those that are not wanted.

    One imports at a time, so call it again and again, while nothing is timed. Where memory is short, all end.
    """
    missing = list(wanted) if memory_available() > max(ROOM_BYTES, ROOM_SHARE * memory_limit()) else []
    with _choosing:
        for each in list(_waiting):
            if each.failed:
                _useless.add(each.start)
            if each.start in missing and each.usable:
                missing.remove(each.start)
            else:
                _waiting.remove(each)
                each.close()
        missing = [each for each in missing if each not in _useless]
        if missing and not any(each.importing for each in _waiting):
            try:
                _waiting.append(Spare(missing[0], jobs))
            except (WhetstoneError, OSError):  # a measurement that needs it says why
                _useless.add(missing[0])


def held() -> int:
    """Return the bytes of memory of those that wait, which measurements take over."""
    with _choosing:
        return sum(_resident(each.child.pid) for each in _waiting)


def taken(start: ProcessStart) -> Spare | None:
    """Return a process of this start that waits, which is the caller's from now on; None where none does."""
    with _choosing:
        for each in list(_waiting):
            if each.start != start:
                continue
            _waiting.remove(each)
            if each.usable:
                each.child.rested()
                return each
            each.close()
    return None


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _resident(pid: int) -> int:
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
