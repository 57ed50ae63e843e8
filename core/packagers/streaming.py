"""Streaming zip writer: sent while it is written, with no file and one block of memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK = 1 << 20
LARGE = 2**31
EPOCH = (2020, 1, 1, 0, 0, 0)


class _Sent(io.RawIOBase):
    """Holds what was written until it is taken; cannot seek, so that the zip needs no second look."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, block: bytes) -> int:  # type: ignore[override]
        self._blocks.append(bytes(block))
        return len(block)

    def take(self) -> bytes:
        taken, self._blocks = b"".join(self._blocks), []
        return taken


def entry(name: str, size: int) -> zipfile.ZipInfo:
    """Return the head of a zip's file that says nothing of when and by whom it was packed."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o644 << 16
    info.file_size = size
    return info


def stream_zip(files: Iterable[tuple[str, Path | bytes]]) -> Iterator[bytes]:
    """Give a zip of `files`, under their names and uncompressed, piece by piece."""
    sent = _Sent()
    with zipfile.ZipFile(sent, "w") as archive:
        for name, content in files:
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            source = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
            with source, archive.open(entry(name, size), "w", force_zip64=size > LARGE) as target:
                while block := source.read(BLOCK):
                    target.write(block)
                    yield sent.take()
    yield sent.take()
