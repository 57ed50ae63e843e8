"""Zip archives from strangers: zip-bomb and path-traversal checks, and safe extraction.

Sources: David Fifield, "A better zip bomb" (overlapping entries), https://www.bamsoftware.com/hacks/zipbomb/;
the ZIP format, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from core.complaints import complaint
from core.errors import CorruptFile, UnsafeUpload

GIB = 1024**3
ZIP_START = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_END_LENGTH = 22
_LOCAL_HEADER = 30
_PIECE = 1 << 20
_ENCRYPTED = 0x1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# What Python's reader raises over broken archives; text that cannot be decoded is a ValueError.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError)
_PACK_AGAIN = "Pack the plain files and folders again, for instance with `zip -r data.zip folder`."


@dataclass(frozen=True)
class ZipLimits:
    """Limits of an accepted archive: members, sizes and compression ratio.

    Attributes:
        entries: Number of files and folders.
        total_bytes: Size of everything, unpacked.
        ratio: Unpacked to packed size, looked at from `ratio_from_bytes` unpacked on.
        ratio_from_bytes: Small archives may compress as well as they like.
        name_length: Characters in one entry's name.
    """

    entries: int = 300_000
    total_bytes: int = 16 * GIB
    ratio: float = 200.0
    ratio_from_bytes: int = GIB // 4
    name_length: int = 1000


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; what the reader trips over becomes CorruptFile.

    Raises:
        CorruptFile: It is no zip, or truncated or broken.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN_ZIP as error:
        raise CorruptFile(
            f"The archive {path.name} is broken: {complaint(error)}.", hint="Upload it again."
        ) from error


def is_zip(path: Path) -> bool:
    """Return whether a file starts as a zip does; a zip behind other bytes is not taken for one."""
    with path.open("rb") as stream:
        return stream.read(len(ZIP_START)) == ZIP_START


def names_in_zip(path: Path) -> list[str]:
    """Return the names in a file's directory of zip entries, untrusted; none where it has no directory."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (*BROKEN_ZIP, OSError):
        return []


def ends_plainly(stream: IO[bytes]) -> bool:
    """Return whether a zip ends with its directory: behind it, readers could find different directories."""
    stream.seek(0, os.SEEK_END)
    stream.seek(max(stream.tell() - _END_LENGTH, 0))
    end = stream.read(_END_LENGTH)
    stream.seek(0)
    return end.startswith(_ZIP_END) and end.endswith(b"\0\0")


def inspect_zip(path: Path, limits: ZipLimits | None = None) -> list[zipfile.ZipInfo]:
    """Return the entries of a zip that is safe to unpack.

    Raises:
        CorruptFile: It is no zip, or truncated or broken.
        UnsafeUpload: A name, a kind of entry, or a size that no honest archive has.
    """
    limits = limits or ZipLimits()
    if not is_zip(path):
        raise CorruptFile(f"{path.name} is not a zip archive with files in it.", hint="Upload it again.")
    with open_zip(path) as archive:
        entries = archive.infolist()
        if len(entries) > limits.entries:
            _refuse(path, f"holds {len(entries):,} entries, more than {limits.entries:,}")
        _check_names(path, entries, limits)
        for entry in entries:
            _check_kind(path, entry)
        _check_sizes(path, entries, limits)
        _check_layout(path, entries, archive.start_dir)
    return entries


def extract_zip(path: Path, dest: Path, limits: ZipLimits | None = None) -> list[Path]:
    """Unpack a zip below `dest`, counting the bytes that really come out.

    Args:
        path: The archive.
        dest: A folder for it alone; made when missing. After an error it holds the part unpacked so far.
        limits: What is accepted.

    Returns:
        The files, in the archive's order.

    Raises:
        CorruptFile: It is no zip, or truncated or broken.
        UnsafeUpload: See `inspect_zip`, or more comes out than the archive says.
    """
    limits = limits or ZipLimits()
    entries = inspect_zip(path, limits)
    dest.mkdir(parents=True, exist_ok=True)
    left = min(limits.total_bytes, sum(entry.file_size for entry in entries))
    files = []
    with open_zip(path) as archive:
        for entry in entries:
            target = dest.joinpath(*PurePosixPath(entry.filename).parts)
            if entry.is_dir():
                _make_folder(path, target)
                continue
            _make_folder(path, target.parent)
            left -= _copy(archive, entry, target, left)
            files.append(target)
    return files


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    written = 0
    try:
        with archive.open(entry) as source, target.open("xb") as sink:
            while piece := source.read(_PIECE):
                written += len(piece)
                if written > left:
                    raise UnsafeUpload(
                        f"The archive's entry {entry.filename} unpacks to more than the archive says.",
                        hint=_PACK_AGAIN,
                    )
                sink.write(piece)
    except OSError as error:
        raise CorruptFile(
            f"The archive's entry {entry.filename} cannot be unpacked: {error.strerror}.", hint=_PACK_AGAIN
        ) from error
    return written


def _make_folder(path: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorruptFile(
            f"The archive {path.name} uses {folder.name} as a file and as a folder.", hint=_PACK_AGAIN
        ) from error


def _check_names(path: Path, entries: list[zipfile.ZipInfo], limits: ZipLimits) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        shown = ascii(name)[:120]
        parts = name.split("/")
        if len(name) > limits.name_length or any(len(part.encode()) > 255 for part in parts):
            _refuse(path, f"holds an entry with a name that is too long, {shown}")
        if name.startswith("/") or "\\" in name or ":" in parts[0][:2]:
            _refuse(path, f"holds the entry {shown}, which points outside of the archive")
        if ".." in parts or not name.strip("/. "):
            _refuse(path, f"holds the entry {shown}, which points outside of the archive")
        if name != entry.orig_filename or any(ord(letter) < 32 for letter in name):
            _refuse(path, f"holds the entry {shown}, whose name hides a control character")
        plain = str(PurePosixPath(name))
        if plain in seen:
            _refuse(path, f"holds the entry {shown} twice")
        seen.add(plain)


def _check_kind(path: Path, entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a symbolic link" if kind == stat.S_IFLNK else "a device or pipe"
        _refuse(path, f"holds {what}, {entry.filename}")
    if entry.flag_bits & _ENCRYPTED:
        _refuse(path, f"holds the encrypted entry {entry.filename}")
    if entry.compress_type not in _METHODS:
        _refuse(path, f"holds the entry {entry.filename}, compressed in an unusual way")


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo], limits: ZipLimits) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > limits.total_bytes:
        _refuse(path, f"unpacks to {total / GIB:.1f} GiB, more than {limits.total_bytes / GIB:.1f} GiB")
    if total > limits.ratio_from_bytes and total > limits.ratio * max(packed, 1):
        _refuse(path, f"unpacks to {total / max(packed, 1):,.0f} times its size, as zip bombs do")


def _check_layout(path: Path, entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuse entries that share bytes, and bytes before the first entry: readers disagree about both."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    if ordered and ordered[0].header_offset != 0:
        _refuse(path, "has hidden bytes in front of its entries")
    ends = [entry.header_offset for entry in ordered[1:]] + [directory]
    for entry, end in zip(ordered, ends, strict=False):
        if entry.header_offset + _LOCAL_HEADER + entry.compress_size > end:
            _refuse(path, f"holds the entry {entry.filename}, which overlaps another one, as zip bombs do")


def _refuse(path: Path, why: str) -> None:
    raise UnsafeUpload(f"The archive {path.name} was not opened, because it {why}.", hint=_PACK_AGAIN)
