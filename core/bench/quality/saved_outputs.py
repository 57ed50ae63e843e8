"""Saved outputs of a process that may be hostile: checked by their header, read in pieces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import RuntimeFailed
from core.protocols import Array

KINDS = "biuf"
MOST_BYTES = 4 * 1024**3
"""Of all outputs together; honest ones end at `core.bench.quality.running.LARGEST_BYTES` and one call."""


@dataclass(frozen=True)
class Saved:
    """An array in a ``.npy`` file.

    Attributes:
        path: The file.
        dtype: Of plain numbers.
        shape: As the header says, or as it was shaped since.
        offset: Bytes before the first element.
    """

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    def reshape(self, *shape: int) -> Saved:
        """Return the same elements in another shape."""
        return replace(self, shape=shape)

    def rows(self, start: int, stop: int) -> Saved:
        """Return the rows from `start` to before `stop`, or to the last there is."""
        stop = min(stop, self.shape[0])
        skipped = min(start, stop) * prod(self.shape[1:]) * self.dtype.itemsize
        shape = (max(0, stop - start), *self.shape[1:])
        return replace(self, shape=shape, offset=self.offset + skipped)

    def __getitem__(self, index: Any) -> Array:
        """Return a copy of the part that `index` names; takes more memory than `piece` for a moment."""
        if not prod(self.shape):
            return np.array(np.empty(self.shape, self.dtype)[index])
        return np.array(np.memmap(self.path, self.dtype, "r", self.offset, self.shape)[index])


Output = Array | Saved
"""One output (samples, ...) of a whole evaluation set: an array, or one that lies on disk."""


Part = tuple[slice, slice, slice, slice]


def piece(output: Output, part: Part) -> Array:
    """Return a part of an output of four axes, all of whose third is wanted.

    A file is read, not mapped: the kernel maps some megabytes around each piece, and a few hundred pieces
    made a child of 600 MB.
    """
    if isinstance(output, np.ndarray):
        return output[part]
    size, (_, highest, kept, widest) = output.dtype.itemsize, output.shape
    rows, before, after = (range(output.shape[axis])[part[axis]] for axis in (0, 1, 3))
    row, high, channel = np.ogrid[rows.start : rows.stop, before.start : before.stop, 0:kept]
    starts = ((row * highest + high) * kept + channel) * widest + after.start
    if len(after) == widest:  # then pieces lie end to end
        starts = starts[:1, 0, 0] if len(before) == highest else starts[:, 0, 0]
    found = np.empty((len(rows), len(before), kept, len(after)), output.dtype)
    with output.path.open("rb", buffering=0) as file:
        for start, run in zip(starts.reshape(-1), found.reshape(starts.size, -1), strict=True):
            file.seek(output.offset + int(start) * size)
            if file.readinto(run.data) != run.nbytes:
                raise _refused(output.path, "it is shorter than its header states")
    return found


def open_saved(path: Path) -> Saved:
    """Return what the header of `path` promises, if the file is of just that size.

    Raises:
        RuntimeFailed: It is no array of plain numbers, or of another size.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
            if read is None:
                raise _refused(path, "the header is not of version 1.0")
            shape, fortran, dtype = read(file)
            offset = file.tell()
    except (OSError, ValueError) as error:
        raise _refused(path, "it is no array") from error
    if fortran or dtype.kind not in KINDS or not shape or any(size < 0 for size in shape):
        raise _refused(path, f"it holds {dtype} in the shape {shape}")
    if offset + prod(shape) * dtype.itemsize != path.stat().st_size:
        raise _refused(path, "its size is not the one that its header states")
    return Saved(path, dtype, shape, offset)


def read_outputs(folder: Path, samples: int | None = None) -> list[Saved]:
    """Return the outputs saved in `folder`, in order, opened but not read.

    Args:
        folder: Of ``<index>.npy``.
        samples: The most rows that an output may have; None for any number.

    Raises:
        RuntimeFailed: Nothing was saved there, or not what an honest process saves.
    """
    files = sorted(folder.glob("[0-9]*.npy"), key=lambda path: path.stem.rjust(20, "0"))
    if not files:
        raise RuntimeFailed("There are no predictions.", hint="Look at the technical detail of this row.")
    found = [open_saved(path) for path in files]
    if samples is not None and any(output.shape[0] > samples for output in found):
        raise _refused(folder, f"there are more rows than the {samples:,} samples")
    if sum(prod(output.shape) * output.dtype.itemsize for output in found) > MOST_BYTES:
        raise _refused(folder, f"they take more than {MOST_BYTES / 1024**3:.0f} GiB")
    return found


def _refused(path: Path, why: str) -> RuntimeFailed:
    return RuntimeFailed(
        f"The saved outputs ({path.name}) cannot be compared: {why}.",
        hint="A measuring process wrote something else than outputs; the model may be hostile.",
    )
