"""Resource limits of a child process, applied by setrlimit(2)."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3


@dataclass(frozen=True)
class ResourceLimits:
    """Limits of one child process; 0 means no limit.

    Attributes:
        memory_bytes: Private memory. RLIMIT_DATA, because importing torch alone maps tens of gigabytes of
            address space that RLIMIT_AS would count and nobody uses.
        cpu_seconds: Processor time over all threads; the kernel then ends the process.
        file_bytes: Largest single file it may write.
        threads: Threads it may have. The kernel counts them with all that its user runs already, and does not
            apply this to root, so the parent looks, too. A confined child cannot start processes at all.
        open_files: Largest number of open files.
    """

    memory_bytes: int = 16 * GIB
    cpu_seconds: int = 0
    file_bytes: int = 16 * GIB
    threads: int = 1024
    open_files: int = 4096

    def apply(self) -> None:
        """Lower this process's limits for ever, and forbid core dumps."""
        _lower(resource.RLIMIT_CORE, 0)
        wanted = {
            resource.RLIMIT_DATA: self.memory_bytes,
            resource.RLIMIT_CPU: self.cpu_seconds,
            resource.RLIMIT_FSIZE: self.file_bytes,
            resource.RLIMIT_NPROC: self.threads and self.threads + _tasks_of_user(),
            resource.RLIMIT_NOFILE: self.open_files,
        }
        for kind, value in wanted.items():
            if value:
                # At the soft processor limit the kernel names the limit; at the hard one it just kills.
                _lower(kind, value, spare=1 if kind == resource.RLIMIT_CPU else 0)


def _lower(kind: int, value: int, spare: int = 0) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or hard > value + spare:
        hard = value + spare
    resource.setrlimit(kind, (min(value, hard), hard))


def _tasks_of_user() -> int:
    """Return how many threads this user runs: what RLIMIT_NPROC counts."""
    user, tasks = os.getuid(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == user:
                tasks += folder.joinpath("task").stat().st_nlink - 2
        except OSError:
            continue  # it ended meanwhile
    return tasks
