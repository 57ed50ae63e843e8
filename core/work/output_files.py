"""Validation of output files of a confined process: plain names, plain files of its folder."""

from __future__ import annotations

from pathlib import Path

from core.errors import UnsafeUpload
from core.sandbox.answers import unusable
from core.texts import one_line

MOST_FILES, LONGEST_NAME = 10_000, 500


def file_names(said: list[str]) -> list[str]:
    """Return the names of the files that are a result, each once.

    Raises:
        UnsafeUpload: They are too many, or no plain names.
    """
    names = list(dict.fromkeys(said))
    if len(names) > MOST_FILES or any(one_line(name, LONGEST_NAME) != name for name in names):
        raise unusable("it names files that cannot be")
    return names


def kept_file(folder: Path, name: str) -> Path:
    """Return the file `name` that a working process left in `folder`.

    Raises:
        UnsafeUpload: It is no plain file inside `folder`.
    """
    path = folder / name
    plain = path.is_file() and not path.is_symlink()
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise UnsafeUpload(
            f"A working process named {name!r} as its result, which is no file of its folder.",
            hint="The upload may be hostile; do not trust it.",
        )
    return path
