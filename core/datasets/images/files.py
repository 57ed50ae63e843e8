"""File access in a folder or a zip, one at a time; nothing is extracted to disk."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from core.archives.zips import inspect_zip, open_zip
from core.complaints import complaint
from core.errors import CorruptFile, TooLarge

MAX_FILE_BYTES = 256 * 1024**2
MAX_FILES = 500_000
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


class Files(Protocol):
    """Named files."""

    def names(self) -> list[str]:
        """Return relative names with slashes, sorted, without hidden and system files."""

    def read(self, name: str) -> bytes:
        """Return the content of one file.

        Raises:
            CorruptFile: It cannot be read.
            TooLarge: It is over `MAX_FILE_BYTES`.
        """


class FolderFiles:
    """Files below a folder; symbolic links are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return relative names with slashes, sorted."""
        found: list[str] = []
        for place, folders, files in os.walk(self._folder):
            folders[:] = [name for name in folders if _visible(name)]
            inside = Path(place).relative_to(self._folder)
            plain = [name for name in files if not (Path(place) / name).is_symlink()]
            found += [(inside / name).as_posix() for name in plain if _visible(name)]
            if len(found) > MAX_FILES:
                raise TooLarge(f"There are more than {MAX_FILES:,} files.", hint="Give fewer images.")
        return sorted(found)

    def read(self, name: str) -> bytes:
        """Return the content of one file."""
        path = self._folder / name
        with _readable(name):
            _limit_size(name, path.stat().st_size)
            return path.read_bytes()


class ZipFiles:
    """Members of a zip that is safe to read."""

    def __init__(self, path: Path) -> None:
        members = [info.filename for info in inspect_zip(path) if not info.is_dir()]
        self._names = sorted(n for n in members if all(map(_visible, PurePosixPath(n).parts)))
        with open_zip(path):
            self._archive = zipfile.ZipFile(path)

    def names(self) -> list[str]:
        """Return the members' names, sorted."""
        return self._names

    def read(self, name: str) -> bytes:
        """Return the content of one member."""
        with _readable(name):
            _limit_size(name, self._archive.getinfo(name).file_size)
            return self._archive.read(name)


def open_files(path: Path) -> Files:
    """Return the files of the folder or zip at `path`.

    Raises:
        CorruptFile: The zip is damaged.
        UnsafeUpload: The zip is none that an honest program writes.
    """
    return FolderFiles(path) if path.is_dir() else ZipFiles(path)


def _visible(part: str) -> bool:
    return not part.startswith(".") and part not in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _limit_size(name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise TooLarge(
            f"The file {name} has {size / 1024**2:,.0f} MiB; a file may have {MAX_FILE_BYTES // 1024**2}.",
            hint="Remove it, or scale it down if it is an image.",
        )


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise CorruptFile(
            f"{name} cannot be read: {complaint(error)}.", hint="Save or upload it again."
        ) from error
