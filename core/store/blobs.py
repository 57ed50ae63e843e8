"""Content-addressed files: each content is stored once, under its SHA-256.

A blob is written to a temporary file, synced and moved into place in one step, so that a reader sees
a whole file or none. Adding content again replaces the file: that heals a damaged one and makes its
age start anew, so that a sweep at the same moment spares it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.domain.model import FileRef
from core.errors import InvalidRequest, NotFound, UnsafeUpload
from core.store.private import READ_ONLY, private_folder
from core.store.states import SharedStates

CHUNK = 1024 * 1024
GRACE_S = 900.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Files below `root`, by content.

    Args:
        root: Folder of the blobs; created on the first write.

    Attributes:
        states: States of trainings that hosts share; None where they share none.
    """

    states: SharedStates | None = None

    def __init__(self, root: Path) -> None:
        self.root = root
        self._temporary = root / "tmp"

    def add(self, path: Path, name: str | None = None) -> FileRef:
        """Store a copy of the file at `path`.

        Args:
            path: A regular file; a link is refused, since it could lead out of a confined folder.
            name: Relative name for the reference; that of `path` if not given.

        Raises:
            NotFound: There is no such file.
            UnsafeUpload: `path` is a link, a folder or a device.
        """
        checked, part = check_name(path.name if name is None else name), self._part()
        with _open_regular(path) as source, part.open("xb") as sink:
            sha256, size = _copy(source, sink)
            sink.flush()
            os.fsync(sink.fileno())
        self._place(part, sha256)
        return FileRef(checked, sha256, size)

    def path(self, blob: FileRef | str) -> Path:
        """Return where the content of a reference or hash lies; read it, never write it.

        Raises:
            NotFound: The store does not hold it.
        """
        sha256 = blob if isinstance(blob, str) else blob.sha256
        found = self._place_of(sha256)
        if found is None or not found.is_file():
            raise NotFound(
                f"The file {sha256[:12]} is not in the store.", hint="Upload the model or data again."
            )
        return found

    def holds(self, files: Iterable[FileRef]) -> bool:
        """Whether all of these contents are there, damaged or not."""
        places = (self._place_of(file.sha256) for file in files)
        return all(place is not None and place.is_file() for place in places)

    def lay_out(self, files: Sequence[FileRef], folder: Path) -> tuple[Path, ...]:
        """Put `files` under their names into `folder`, read-only, and return their paths in order.

        Raises:
            NotFound: A content is not in the store.
            InvalidRequest: A name leads out of `folder`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(self._lay(file, folder) for file in files)

    def verify(self, sha256: str) -> bool:
        """Whether the content is there and undamaged; reads it all."""
        found = self._place_of(sha256)
        return found is not None and found.is_file() and hash_of(found) == sha256

    def sweep(self, keep: set[str], grace_s: float = GRACE_S) -> int:
        """Delete contents that are not in `keep` and temporary files, all older than `grace_s` seconds.

        Returns:
            Bytes freed.
        """
        limit = time.time() - grace_s
        left = sum(_remove_older(path, limit) for path in self._temporary.glob("*"))
        stale = (path for path in self._files() if path.name not in keep)
        return left + sum(self._discard(path, limit) for path in stale)

    def _files(self) -> Iterator[Path]:
        return (path for path in self.root.glob("[0-9a-f][0-9a-f]/*") if _SHA256.fullmatch(path.name))

    def _discard(self, path: Path, limit: float) -> int:
        if _age_mark(path) > limit:
            return 0
        part = self._part()
        try:
            path.rename(part)
        except FileNotFoundError:  # another sweep was faster
            return 0
        if _age_mark(part) > limit:  # added again just before the rename
            part.rename(path)
            return 0
        return _remove_older(part, limit)

    def _lay(self, file: FileRef, folder: Path) -> Path:
        target = folder / check_name(file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise InvalidRequest(f"The file name {file.name!r} leads out of its folder.")
        source = self.path(file)
        target.unlink(missing_ok=True)
        try:
            target.hardlink_to(source)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)
            target.chmod(READ_ONLY)
        return target

    def _place_of(self, sha256: str) -> Path | None:
        return self.root / sha256[:2] / sha256 if _SHA256.fullmatch(sha256) else None

    def _place(self, part: Path, sha256: str) -> None:
        target = self.root / sha256[:2] / sha256
        private_folder(target.parent)
        part.chmod(READ_ONLY)
        os.utime(part)
        part.replace(target)
        _sync(target.parent)

    def _part(self) -> Path:
        private_folder(self.root)
        return private_folder(self._temporary) / uuid.uuid4().hex


def check_name(name: str) -> str:
    """Return `name` if it is a relative path that stays inside its folder.

    Raises:
        InvalidRequest: It is empty, absolute, or leads out.
    """
    path = PurePosixPath(name)
    bad = not path.parts or path.is_absolute() or ".." in path.parts
    if bad or any(sign in name for sign in ("\\", ":", "\0")):
        raise InvalidRequest(
            f"The file name {name!r} is not a plain relative name.",
            hint="Use letters, digits, dots, dashes and sub-folders.",
        )
    return str(path)


def _open_regular(path: Path) -> BinaryIO:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise UnsafeUpload(f"{path.name} is a link.", hint="Give the file that it points to.")
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise NotFound(f"The file {path.name} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsafeUpload(f"{path.name} is not a regular file.", hint="Give a file, not a folder or device.")
    return os.fdopen(descriptor, "rb")


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as source:
        return _copy(source, None)[0]


def _copy(source: BinaryIO, sink: BinaryIO | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if sink is not None:
            sink.write(chunk)
    return digest.hexdigest(), size


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _age_mark(path: Path) -> float:
    """Return the time of the last change; a file that is gone counts as fresh."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _remove_older(path: Path, limit: float) -> int:
    if _age_mark(path) > limit:
        return 0
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:  # another sweep was faster
        return 0
    return size
