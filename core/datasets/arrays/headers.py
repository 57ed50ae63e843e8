"""Safe reading of NumPy files: headers are checked against the file before anything is allocated."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from core.archives.zips import ZIP_START, inspect_zip
from core.complaints import complaint
from core.errors import CorruptFile, TooLarge, UnsafeUpload
from core.protocols import Array

MAGIC = b"\x93NUMPY"
MAX_BYTES = 4 * 1024**3
"""Bytes of one archive's arrays when unpacked: what keeps a small bomb from filling the memory."""
MAX_ARRAYS = 1000
# What zipfile and NumPy's parser of headers raise on damaged files, as tried with thousands of them.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Stored:
    """An array in a file whose header has been checked but whose values have not been read.

    Attributes:
        path: The `.npy` or `.npz` file.
        name: Key in the archive; the file's stem for a single array.
        member: Name of the archive's member; empty for a single array.
        shape: As the header claims; the file holds that much.
        dtype: Never of objects or fields.
    """

    path: Path
    name: str
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self) -> Array:
        """Return the values in native byte order; a single array is mapped, not loaded.

        Raises:
            CorruptFile: The data behind the header is damaged.
        """
        with _readable():
            if not self.member:
                empty = math.prod(self.shape) == 0
                mapped: Array = np.load(self.path, mmap_mode=None if empty else "r", allow_pickle=False)
                return mapped
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                found = np.lib.format.read_array(file, allow_pickle=False)
        return found.astype(found.dtype.newbyteorder("="), copy=False)


def is_npy(path: Path) -> bool:
    """Whether the file at `path` begins like a `.npy` file."""
    return _start(path).startswith(MAGIC)


def is_npz(path: Path) -> bool:
    """Whether the file at `path` is a zip of `.npy` members."""
    if not _start(path).startswith(ZIP_START):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _BROKEN:
        return path.suffix.lower() == ".npz"
    return bool(names) and all(name.endswith(".npy") for name in names)


def stored(path: Path) -> dict[str, Stored]:
    """Return the arrays of the `.npy` or `.npz` file at `path` by name, with checked headers.

    Raises:
        CorruptFile: Not readable, or a header claims more than the file holds.
        UnsafeUpload: An array holds pickled Python objects.
        TooLarge: The arrays unpack to more than `MAX_BYTES`.
    """
    with _readable():
        if is_npy(path):
            with path.open("rb") as file:
                return {path.stem: _header(file, path, path.stem, "", path.stat().st_size)}
        inspect_zip(path)
        with zipfile.ZipFile(path) as archive:
            return dict(_members(archive, path))


def _members(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, Stored]]:
    members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    total = sum(info.file_size for info in members)
    if total > MAX_BYTES or len(members) > MAX_ARRAYS:
        raise TooLarge(
            f"The archive unpacks to {len(members)} arrays with {total / 1024**3:,.1f} GiB together; "
            f"the limit is {MAX_ARRAYS} arrays and {MAX_BYTES / 1024**3:.0f} GiB.",
            hint="Save fewer rows, or images as uint8.",
        )
    for info in members:
        name = info.filename.removesuffix(".npy")
        with archive.open(info) as file:
            yield name, _header(file, path, name, info.filename, info.file_size)


def _header(file: IO[bytes], path: Path, name: str, member: str, size: int) -> Stored:
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise UnsafeUpload(
            f"The array {name!r} is of NumPy format {version[0]}.{version[1]}; plain numbers never need it.",
            hint="Save arrays of numbers with numpy.savez.",
        )
    shape, _, dtype = readers[version](file)
    if dtype.hasobject or dtype.names:
        raise UnsafeUpload(
            f"The array {name!r} holds Python objects or records, and reading those could run code.",
            hint="Save plain arrays of numbers; for texts use dtype str instead of object.",
        )
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > size - file.tell() or any(length < 0 for length in shape):
        raise CorruptFile(
            f"The array {name!r} claims the shape {shape}, {claimed:,} bytes, "
            f"but holds {size - file.tell():,}.",
            hint="The file is cut off or damaged: save or upload it again.",
        )
    return Stored(path, name, member, tuple(shape), dtype)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise CorruptFile(
            f"The NumPy file cannot be read: {complaint(error)}.",
            hint="Save or upload it again.",
        ) from error


def _start(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(8)
