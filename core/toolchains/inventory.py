"""What an environment held when it was verified, by which a later look tells whether it still does."""

from __future__ import annotations

import os
from pathlib import Path

COMPILED = "__pycache__"
"""Python writes these whenever it likes."""


def inventory(folder: Path) -> str:
    """Return how many files `folder` holds and their bytes; what an import may add is not counted."""
    count = size = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each != COMPILED]
        count += len(names)
        size += sum((Path(parent) / name).lstat().st_size for name in names)
    return f"{count} files, {size} bytes"
