"""The contract of executors: who does units of work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from core.domain.measurement import Environment
from core.domain.model import FileRef
from core.work.stop import Stop
from core.work.unit import A, Progress, Q, WorkResult, WorkUnit, unheard


class Files(Protocol):
    """Files by content id, see `core.store.blobs.Blobs`."""

    def add(self, path: Path, name: str | None = None) -> FileRef:
        """Keep a copy of the plain file at `path` under `name`."""

    def lay_out(self, files: Sequence[FileRef], folder: Path) -> tuple[Path, ...]:
        """Put `files` under their names into `folder`, read-only."""


class Executor(Protocol):
    """Does units of work; used by one thread for each unit.

    An implementation is one file in `core.work` with its class as ``EXECUTOR``, made with the store's files
    and the folder that jobs work in. It is chosen by its id in WHETSTONE_EXECUTOR or ``--executor``.

    Attributes:
        here: Whether units run in this process's machine, so that what was prepared here helps them.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    here: ClassVar[bool]

    def __init__(self, files: Files, jobs: Path) -> None: ...

    def machines(self) -> dict[str, Environment]:
        """Return what is known of each kind of machine that it measures on, by the kind's name.

        The first is the one that it chooses by itself.
        """

    def run(
        self, unit: WorkUnit[Q, A], stop: Stop, on_progress: Callable[[Progress], None] = unheard
    ) -> WorkResult[A]:
        """Do `unit` and return what came of it.

        Args:
            unit: What to do.
            stop: Ends it early, from another thread or at a deadline.
            on_progress: Told what the unit says of itself, as it says it, in the thread that called; must
                return at once.

        Raises:
            InvalidRequest: It has no machine of the kind that the unit is for.
            WhetstoneError: The unit's code raised it: its class, message and hint arrive as they were.
            ChildCrashed: The unit's code raised anything else, or its process died.
            OutOfMemory: It needed more memory than it may take.
            ChildTimeout: It was not done in time.
            Cancelled: It was stopped.
            UnsafeUpload: Its answer or a file that it left cannot be used.
            StoreUnusable: The disk is full or cannot be written.
        """
