"""NumPy `.npz` archives of a confined process: headers are checked before an array is read.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from core.archives.zips import ZipLimits, inspect_zip, open_zip
from core.errors import CorruptFile, UnsafeUpload

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LONGEST_HEADER = 10_000
_NUMBERS = "biufcV"


def npz_names(path: Path, pattern: str, limits: ZipLimits | None = None) -> list[str]:
    """Return the names of the arrays in an archive that `numpy.savez` wrote; no array is read.

    Args:
        path: The archive.
        pattern: What each name must match whole.
        limits: What is accepted.

    Raises:
        CorruptFile: It is no such archive, or truncated or broken.
        UnsafeUpload: A name does not match, or an array is none of plain numbers or not of the size it says.
    """
    entries = inspect_zip(path, limits)
    with open_zip(path) as archive:
        return [_name(archive, entry, pattern) for entry in entries]


def _name(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, pattern: str) -> str:
    name = entry.filename.removesuffix(".npy")
    if name == entry.filename or not re.fullmatch(pattern, name):
        raise UnsafeUpload(
            f"The file holds {ascii(entry.filename)[:80]}, which does not belong there.",
            hint="Do not trust the model that made it.",
        )
    with archive.open(entry) as stream:
        size = _size(stream, entry.filename)
    if size != entry.file_size:
        raise UnsafeUpload(
            f"The array {name} is not of the size that it says.", hint="Do not trust the model that made it."
        )
    return name


def _size(stream: IO[bytes], name: str) -> int:
    """Return the bytes that an array says it takes, with its header."""
    try:
        read = _READERS[np.lib.format.read_magic(stream)]
        shape, _, dtype = read(stream, max_header_size=_LONGEST_HEADER)
    except (KeyError, ValueError, RecursionError, MemoryError) as error:
        raise CorruptFile(f"The entry {name} is no array of numbers.", hint="Run it again.") from error
    if dtype.hasobject or dtype.kind not in _NUMBERS or not _plain(shape):
        raise UnsafeUpload(f"The entry {name} is no array of numbers.", hint="Run it again.")
    return int(stream.tell() + prod(shape) * dtype.itemsize)


def _plain(shape: Iterable[int]) -> bool:
    return all(size >= 0 for size in shape)
