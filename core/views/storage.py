"""What the data folder holds, by kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.store.store import Store

KINDS = {
    "Models, data and what was built of them": ("blobs",),
    "Written downloads": ("kits",),
    "Half-done trainings": ("checkpoints",),
    "Uploads in progress and jobs": ("uploads", "jobs"),
    "Toolchains": ("toolchains",),
    "Layers that were read": ("layers",),
}
"""Folders below the data folder, by what they hold."""
REST = "Database and logs"


@dataclass(frozen=True)
class Storage:
    """The data folder.

    Attributes:
        folder: Where it lies.
        sizes: Bytes by kind, the largest first.
        free_bytes: Of its disk.
    """

    folder: Path
    sizes: dict[str, int]
    free_bytes: int

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(self.sizes.values())


def storage(store: Store) -> Storage:
    """Return what the data folder holds."""
    sizes = {
        kind: sum(size for name in names for size in _files(store.folder / name))
        for kind, names in KINDS.items()
    }
    sizes[REST] = sum(each.stat().st_size for each in store.folder.glob("*") if each.is_file())
    disk = os.statvfs(store.folder)
    ordered = sorted(sizes.items(), key=lambda pair: -pair[1])
    return Storage(
        store.folder, {kind: size for kind, size in ordered if size}, disk.f_bavail * disk.f_frsize
    )


def _files(folder: Path) -> Iterator[int]:
    """Give the bytes of every file below `folder`; what goes meanwhile is passed over."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118
            except FileNotFoundError:
                continue
