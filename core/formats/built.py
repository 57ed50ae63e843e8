"""Shared safety checks of built files: whoever built them had opened a stranger's model."""

from __future__ import annotations

from pathlib import Path

from core.archives.torch_files import torch_zip_kind
from core.errors import UnsafeUpload

HOSTILE = "The uploaded model may have taken over the process that built this; do not trust it."


def insist(path: Path, kind: str) -> None:
    """Refuse a file that is no archive of this kind of PyTorch's.

    Raises:
        UnsafeUpload: It is something else.
    """
    found = torch_zip_kind(path)
    if found != kind:
        raise UnsafeUpload(f"{path.name} should be of the format {kind} and is {found}.", hint=HOSTILE)
