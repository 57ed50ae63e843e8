"""Removal of folders that a confined process wrote, however it left them.

``shutil.rmtree`` calls itself for each level, so a folder nested some thousand deep stops it, and the program
with it; and a folder that its owner may not list stays, with all that is in it.
"""

from __future__ import annotations

import os
import stat
import uuid
from contextlib import suppress
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove `folder` and all that is in it; what cannot be removed stays, as after `rm -rf`.

    Nobody may write there meanwhile. Folders within are first moved up to the highest level, so that no path
    is longer than the system takes and nothing is nested.
    """
    with suppress(OSError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return
        folder.chmod(stat.S_IRWXU)
        _empty(folder, folder)
        while inner := [Path(each.path) for each in os.scandir(folder) if each.is_dir(follow_symlinks=False)]:
            for each in inner:
                _empty(each, folder)
                each.rmdir()
        folder.rmdir()


def _empty(folder: Path, top: Path) -> None:
    """Delete the files of `folder`, and move its folders into `top`."""
    for entry in list(os.scandir(folder)):
        if not entry.is_dir(follow_symlinks=False):
            Path(entry.path).unlink()
            continue
        inner = Path(entry.path)
        inner.chmod(stat.S_IRWXU)
        if folder != top:
            inner.rename(top / uuid.uuid4().hex)
