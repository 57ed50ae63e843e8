"""The folder of a job: locked while it is in use, removed at its end or by a sweep after a crash."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ChildCrashed, StoreUnusable
from core.sandbox.removal import remove_tree

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO)


@contextmanager
def job_folder(jobs: Path) -> Iterator[Path]:
    """Give a job a folder of its own in `jobs`, and remove it at the end.

    It is locked while it is in use, so that `sweep_jobs` of another process spares it.

    Raises:
        StoreUnusable: The disk is full or may not be written, as far as the job met that.
    """
    with _disk_explained(jobs.parent):
        folder, lock = _locked_folder(jobs)
        try:
            yield folder
        finally:
            remove_tree(folder)
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


def sweep_jobs(jobs: Path) -> None:
    """Remove the folders in `jobs` that dead processes left."""
    for folder in jobs.iterdir():
        lock = _try_lock(folder)
        if lock is not None:
            remove_tree(folder)
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
