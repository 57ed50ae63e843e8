"""Files of one upload: their names, made safe, and their bytes, taken apart as they come."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote

MOST_FILES, LONGEST_HEADER = 64, 16 << 10


def safe_name(name: str) -> str:
    """Return the last part of `name` with nothing in it that a file system could take for a path."""
    last = re.split(r"[\\/]", unquote(name))[-1]
    return re.sub(r"[^\w.\- ()+]", "_", last).strip(". ")[-120:] or "upload"


@dataclass(frozen=True)
class Part:
    """One file of a body.

    Attributes:
        name: Safe to give it in a folder.
        size: Bytes; None for all that comes.
    """

    name: str
    size: int | None = None


def parts_of(headers: Mapping[str, str]) -> list[Part]:
    """Return the files that a request says it brings; nothing where what it says cannot be."""
    said = headers.get("X-File-Parts", "")
    if not said:
        return [Part(safe_name(headers.get("X-File-Name", "")))]
    try:
        listed = json.loads(unquote(said)) if len(said) <= LONGEST_HEADER else []
        found = [Part(safe_name(str(name)), int(size)) for name, size in listed]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []
    names = {part.name.lower() for part in found}
    whole = len(names) == len(found) <= MOST_FILES and all((part.size or 0) > 0 for part in found)
    return found if whole else []


class PartFiles:
    """The files of a body, written one after the other as their bytes come."""

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        self._folder, self._parts, self._at = folder, parts, 0
        self._file: IO[bytes] = self._open()
        self._left = parts[0].size

    def _open(self) -> IO[bytes]:
        return (self._folder / self._parts[self._at].name).open("xb")

    def write(self, content: bytes) -> None:
        """Write what came.

        Raises:
            ValueError: More came than the files hold.
        """
        while self._left is not None and len(content) > self._left:
            self._file.write(content[: self._left])
            content = content[self._left :]
            self._file.close()
            self._at += 1
            if self._at == len(self._parts):
                raise ValueError("more than was said")
            self._file, self._left = self._open(), self._parts[self._at].size
        self._file.write(content)
        self._left = None if self._left is None else self._left - len(content)

    def close(self) -> bool:
        """Close the last file; False where some of them did not come."""
        self._file.close()
        return self._left is None or (not self._left and self._at == len(self._parts) - 1)
