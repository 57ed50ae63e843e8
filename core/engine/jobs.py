"""Confined jobs with cancellation: a folder, a working process, and a stop signal or deadline."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import Cancelled, ChildCrashed, ChildTimeout, UnsafeUpload
from core.sandbox.process import Child
from core.settings import get_settings
from core.store.database import StoreUnusable
from core.store.store import Store

LEAST_STEP_S = 1.0
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO)


class Stop:
    """Ends the work in progress: at a deadline, or when another thread says so.

    Args:
        deadline: Value of `time.monotonic` after which no step may go on; None for no limit.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self.event = threading.Event()
        self._deadline = deadline
        self._child: Child | None = None
        self._lock = threading.Lock()

    def set(self) -> None:
        """Stop now; the working process is killed and its caller sees `Cancelled`."""
        self.event.set()
        with self._lock:
            if self._child is not None:
                self._child.kill()

    def check(self) -> None:
        """Raise if the work was stopped.

        Raises:
            Cancelled: It was.
        """
        if self.event.is_set():
            raise Cancelled("The run was cancelled.")

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


@contextmanager
def job_folder(store: Store) -> Iterator[Path]:
    """Give a job a folder of its own beside the store's files, and remove it at the end.

    It is locked while it is in use, so that `sweep_jobs` of another process spares it.

    Raises:
        StoreUnusable: The disk is full or may not be written, as far as the job met that.
    """
    with _disk_explained(store.folder):
        folder, lock = _locked_folder(store.jobs_dir)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


@contextmanager
def _disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise _unwritable(folder, os.strerror(error.errno)) from error
    except ChildCrashed as error:
        full = os.strerror(errno.ENOSPC)
        if full not in error.message:
            raise
        raise _unwritable(folder, full) from error


def _unwritable(folder: Path, why: str) -> StoreUnusable:
    return StoreUnusable(
        f"The data folder {folder} cannot be written: {why}.",
        hint="Delete old runs or give its disk room; or set WHETSTONE_DATA_DIR to another folder.",
    )


def sweep_jobs(store: Store) -> None:
    """Remove the job folders that dead processes left."""
    for folder in store.jobs_dir.iterdir():
        lock = _try_lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent))
        lock = _try_lock(folder)
        if lock is not None and folder.exists():
            return folder, lock
        if lock is not None:  # swept between the two lines above
            os.close(lock)


def _try_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the folder's lock, or None where another process holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def run_task(
    module: str,
    command: str,
    payload: dict[str, Any],
    reads: Sequence[Path],
    writes: Path,
    stop: Stop,
    finish: bool = False,
) -> dict[str, Any]:
    """Run one command of `module` in a confined process of its own.

    Args:
        module: Holds the command in its `COMMANDS`.
        command: What to do.
        payload: Plain values.
        reads: What the process may read.
        writes: The only folder it may write to.
        stop: Ends it early.
        finish: What was begun in time is brought to its end after the deadline, too.

    Raises:
        ChildTimeout: Over the time limit of a step, or over the run's budget.
        WhetstoneError: Whatever the command raised.
    """
    timeout = get_settings().child_timeout_s
    if not finish:
        timeout = min(timeout, stop.remaining_s)
    if timeout < LEAST_STEP_S:
        raise ChildTimeout("The time budget was over.", hint="Give the run a larger budget.")
    with Child(module, reads=reads, writes=writes) as child, stop.watching(child):
        return child.call(command, payload, timeout)


def kept_file(folder: Path, name: str) -> Path:
    """Return the file `name` that a working process left in `folder`.

    Raises:
        UnsafeUpload: It is no plain file inside `folder`.
    """
    path = folder / name
    plain = path.is_file() and not path.is_symlink()
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise UnsafeUpload(
            f"A working process named {name!r} as its result, which is no file of its folder.",
            hint="The upload may be hostile; do not trust it.",
        )
    return path
