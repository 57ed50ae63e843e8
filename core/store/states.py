"""States of trainings at the shared store: a folder of each as one file, which is replaced as a whole.

A training that lost its node goes on from there on another. What lies in a state was written by a confined
process: it is copied as bytes, and only confined processes read it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

MOST_FILES, MOST_BYTES = 100, 8 * 1024**3
FOLDER = "states"


class SharedStates:
    """Folders of plain files by name, for all hosts.

    Args:
        files_of: A file system of fsspec.
        base: Folder of the shared store in it.
        explained: Turns errors of the file system into `StoreUnusable`.
    """

    def __init__(
        self, files_of: Any, base: str, explained: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._files_of, self._base, self._explained = files_of, f"{base}/{FOLDER}", explained

    def owns(self, place: str) -> bool:
        """Whether a path of the shared store is that of a state."""
        return place.startswith(f"{self._base}/")

    def has(self, name: str) -> bool:
        """Whether there is a state of this name."""
        with self._explained():
            return bool(self._files_of.exists(self._place(name)))

    def put(self, name: str, folder: Path) -> None:
        """Replace the state by the plain files directly in `folder`; links and folders in it are left out.

        Whoever reads meanwhile finds the one before. A folder without files, or with more than any training
        keeps, changes nothing.
        """
        part = f"{self._place(name)}.{uuid.uuid4().hex}"
        with _opened(folder) as files, self._explained():
            if not files or len(files) > MOST_FILES or sum(size for _, size, _ in files) > MOST_BYTES:
                return
            self._files_of.makedirs(self._base, exist_ok=True)
            with (
                self._files_of.open(part, "wb") as target,
                tarfile.open(fileobj=target, mode="w|") as archive,
            ):
                for file_name, size, content in files:
                    entry = tarfile.TarInfo(file_name)
                    entry.size = size
                    archive.addfile(entry, content)
            self._files_of.mv(part, self._place(name))

    def fetch(self, name: str, folder: Path) -> None:
        """Lay the state of this name out in `folder`, which is empty, where there is one that can be read."""
        if not self.has(name):
            return
        with self._explained():
            try:
                with (
                    self._files_of.open(self._place(name), "rb") as source,
                    tarfile.open(fileobj=source, mode="r|") as archive,
                ):
                    for entry in archive:
                        content = archive.extractfile(entry) if entry.isreg() else None
                        if content is not None and entry.name == Path(entry.name).name:
                            with (folder / entry.name).open("wb") as target:
                                shutil.copyfileobj(content, target)
            except (tarfile.TarError, FileNotFoundError):
                for path in folder.iterdir():  # damaged, or removed meanwhile: the training begins anew
                    path.unlink()

    def forget(self, name: str) -> None:
        """Remove the state of this name, if there is one."""
        with self._explained():
            if self._files_of.exists(self._place(name)):
                self._files_of.rm_file(self._place(name))

    def sweep(self, kept_s: float) -> None:
        """Remove states that nobody has put for so many seconds."""
        with self._explained():
            for place in self._files_of.find(self._base):
                if self._files_of.modified(place).timestamp() < time.time() - kept_s:
                    self._files_of.rm_file(place)

    def _place(self, name: str) -> str:
        return f"{self._base}/{name}.tar"


@contextmanager
def _opened(folder: Path) -> Iterator[list[tuple[str, int, IO[bytes]]]]:
    """Open the plain files in `folder`; a process that was taken over may put links and pipes there."""
    found: list[tuple[str, int, IO[bytes]]] = []
    try:
        for path in sorted(folder.iterdir()):
            try:
                file: IO[bytes] = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
            except OSError:
                continue  # a link, or renamed meanwhile
            told = os.fstat(file.fileno())
            if stat.S_ISREG(told.st_mode) and len(found) <= MOST_FILES:
                found.append((path.name, told.st_size, file))
            else:
                file.close()
        yield found
    finally:
        for _, _, file in found:
            file.close()
