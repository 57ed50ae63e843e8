"""File permissions: what is stored is for its owner alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FOLDER, FILE, READ_ONLY = 0o700, 0o600, 0o400
OURS = ("whetstone.db*", "worker.*", "blobs", "jobs", "kits", "layers", "uploads")


def private_folder(path: Path) -> Path:
    """Make a folder for its owner alone, or take the others' rights from the one that is there; return it."""
    path.mkdir(FOLDER, parents=True, exist_ok=True)
    close(path)
    return path


def private_file(path: Path) -> Path:
    """Make an empty file for its owner alone unless it is there, take the others' rights, and return it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
    close(path)
    return path


def close(path: Path) -> bool:
    """Take the rights of group and others from `path` if it is this user's; return whether they had any.

    What belongs to somebody else stays as it is, and so does a folder for everybody such as ``/tmp``.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or mode & stat.S_ISVTX:
        return False
    if mode & 0o077:
        path.chmod(mode & FOLDER)
    return bool(mode & 0o077)


def close_data_folder(folder: Path) -> None:
    """Make a data folder, or close the one that is there with all that is ours in it.

    Raises:
        OSError: It cannot be made.
    """
    private_folder(folder)
    for path in (each for name in OURS for each in folder.glob(name)):
        if close(path) and path.is_dir():  # a closed one needs no look inside at each start
            for inner in path.rglob("*"):
                close(inner)
