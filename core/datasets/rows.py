"""Batch loader over a prepared data set, memory-mapped from disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from core.domain.model import SourceModel
from core.errors import CorruptFile
from core.protocols import Array, Feed


class Rows:
    """The rows of a data set in a folder.

    Where an input has no batch in front, the arrays hold whole calls and every feed is one of them.

    Where the model's batch is fixed, every feed has that batch and `batch` is ignored: the last one is
    filled up with its own last row, so cut concatenated outputs to the number of samples.

    Args:
        folder: Holds `calibration/` and `evaluation/`.
        model: Gives the names and order of the inputs and the fixed batch.

    Raises:
        CorruptFile: An array is missing, damaged or of another length.
    """

    def __init__(self, folder: Path, model: SourceModel) -> None:
        self._names = [spec.name for spec in model.inputs]
        self._fixed, self._by_rows = model.fixed_batch, model.by_rows
        self._parts = {
            part: [_load(folder / part / f"{index}.npy") for index in range(len(self._names))]
            for part in ("calibration", "evaluation")
        }
        labels = folder / "evaluation" / "labels.npy"
        self.labels: Array | None = _load(labels) if labels.exists() else None
        if self.labels is not None and len(self.labels) != self.evaluation_samples:
            raise CorruptFile("Labels and rows of the data set differ in length.", hint="Add the data again.")

    @property
    def evaluation_samples(self) -> int:
        """Number of rows for evaluation."""
        return len(self._parts["evaluation"][0])

    def calibration(self) -> Iterator[Feed]:
        """Yield the calibration rows one by one, or in feeds of the model's fixed batch."""
        return (feed for feed, _ in self.batches("calibration", 1))

    def batches(self, part: str, batch: int) -> Iterator[tuple[Feed, int]]:
        """Yield feeds of ``calibration`` or ``evaluation`` with the number of real rows in each."""
        arrays = self._parts[part]
        if not self._by_rows:
            yield from ((self._feed(row), 1) for row in zip(*arrays, strict=True))
            return
        size = self._fixed or batch
        for start in range(0, len(arrays[0]), size):
            taken = [array[start : start + size] for array in arrays]
            count = len(taken[0])
            if self._fixed and count < size:
                taken = [np.concatenate([part, np.repeat(part[-1:], size - count, axis=0)]) for part in taken]
            yield self._feed(taken), count

    def _feed(self, arrays: Sequence[Array]) -> Feed:
        """Return arrays by input name, C-contiguous as all runtimes want them; scalars stay scalars."""
        named = zip(self._names, arrays, strict=True)
        return {name: np.asarray(array, order="C") for name, array in named}


def _load(path: Path) -> Array:
    try:
        found: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorruptFile(
            f"The array {path.parent.name}/{path.name} of the data set cannot be read: {error}.",
            hint="Add the data again.",
        ) from error
    return found
