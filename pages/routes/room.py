"""Disk space reservation for uploads under way, so that together they leave the server some."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

SPARE = 256 << 20
STEP = 64 << 20
# The upload itself, and its copy in the store while the upload is still there.
COPIES = 2


class DiskFull(Exception):
    """The disk has no room for what an upload needs besides what others were promised."""


class Room:
    """The room of one upload; what it was promised and has not used is free again when the block ends.

    Args:
        folder: Where it goes; it exists.
    """

    _lock = threading.Lock()
    _promised = 0

    def __init__(self, folder: Path) -> None:
        self._folder, self._mine, self._left, self._unchecked = folder, 0, 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with Room._lock:
            Room._promised -= self._mine
            self._mine = 0

    def claim(self, size: int) -> None:
        """Have `size` bytes promised, with their copy.

        Raises:
            DiskFull: There is no room for them.
        """
        wanted = COPIES * size
        with Room._lock:
            if shutil.disk_usage(self._folder).free < Room._promised + wanted + SPARE:
                raise DiskFull
            Room._promised += wanted
            self._mine += wanted
            self._left += size

    def use(self, size: int) -> None:
        """Account for `size` bytes about to be written; more than was promised is claimed in steps.

        Raises:
            DiskFull: There is no room for them, or something else has filled the disk meanwhile.
        """
        if size > self._left:
            self.claim(max(size, STEP))
        with Room._lock:
            self._left -= size
            self._mine -= size
            Room._promised -= size
        self._unchecked += size
        if self._unchecked >= STEP:
            self._unchecked = 0
            self.claim(0)
