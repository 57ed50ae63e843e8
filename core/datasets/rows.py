"""A built data set as working processes read it, batch by batch; what builds has no way to the test rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.splits import FOR_EVALUATION, Part
from core.domain.model import SourceModel
from core.errors import CorruptFile
from core.protocols import Array, Feed


class Rows:
    """The rows of one part, or of several parts one after another.

    Where an input has no batch in front, the arrays hold whole calls and every feed is one of them.

    Where the model's batch is fixed, every feed has that batch and `batch` is ignored: the last one is
    filled up with its own last row, so cut concatenated outputs to the number of samples.

    Args:
        folders: Each holds ``<i>.npy`` for every input, and ``labels.npy`` where labelled.
        model: Gives the names and order of the inputs and the fixed batch.

    Attributes:
        samples: Number of rows.
        labels: As `core.domain.model.DataSet` has them (samples, ...), or None.

    Raises:
        CorruptFile: An array is missing, damaged or of another length.
    """

    def __init__(self, folders: Sequence[Path], model: SourceModel) -> None:
        self._names = [spec.name for spec in model.inputs]
        self._fixed, self._by_rows = model.fixed_batch, model.by_rows
        self._arrays = [
            [_load(folder / f"{index}.npy") for folder in folders] for index in range(len(self._names))
        ]
        self.samples = sum(map(len, self._arrays[0]))
        files = [folder / "labels.npy" for folder in folders]
        labels = [_load(file) for file in files if file.exists()]
        self.labels: Array | None = _cut(labels, 0, self.samples) if labels else None
        if self.labels is not None and len(self.labels) != self.samples:
            raise CorruptFile("Labels and rows of the data set differ in length.", hint="Add the data again.")

    @property
    def by_batch(self) -> bool:
        """Whether a call can hold any number of rows."""
        return self._fixed is None and self._by_rows

    def batches(self, batch: int, first: int = 0) -> Iterator[tuple[Feed, int]]:
        """Yield feeds of `batch` rows with the number of real rows in each, from the row `first` on."""
        if not self._by_rows:
            for row in range(first, self.samples):
                yield self._feed([_cut(each, row, row + 1)[0] for each in self._arrays]), 1
            return
        size = self._fixed or batch
        for start in range(first, self.samples, size):
            taken = [_cut(each, start, start + size) for each in self._arrays]
            count = len(taken[0])
            if self._fixed and count < size:
                taken = [np.concatenate([part, np.repeat(part[-1:], size - count, axis=0)]) for part in taken]
            yield self._feed(taken), count

    def labelled(self, batch: int, seed: int | None = None) -> Iterator[tuple[Feed, Array | None]]:
        """Yield feeds of `batch` rows with their labels, in the order that `seed` shuffles or in their own.

        The last batch is filled up with rows from the start, so that all have one size.
        """
        rng, size = np.random.default_rng(seed), self._fixed or batch
        order = np.arange(self.samples) if seed is None else rng.permutation(self.samples)
        arrays = [each[0] if len(each) == 1 else np.concatenate(each) for each in self._arrays]
        for start in range(0, self.samples, size):
            rows = np.resize(np.roll(order, -start), size)
            found = [array[rows] if self._by_rows else array[rows[0]] for array in arrays]
            yield self._feed(found), None if self.labels is None else self.labels[rows]

    def _feed(self, arrays: Sequence[Array]) -> Feed:
        """Return arrays by input name, C-contiguous as all runtimes want them; scalars stay scalars."""
        named = zip(self._names, arrays, strict=True)
        return {name: np.asarray(array, order="C") for name, array in named}


@dataclass(frozen=True)
class BuildRows:
    """What techniques and strategies may look at: there is no way from here to the test rows.

    Attributes:
        calibration: For ranges.
        search: For strategies, sensitivity and early stopping; None where the data are too few, or were
            added before there was a search part.
        training: The training set, where one was given.
    """

    calibration: Rows
    search: Rows | None
    training: Rows | None


def build_rows(folder: Path, model: SourceModel) -> BuildRows:
    """Return the parts of a data set laid out in `folder` that building may read.

    Raises:
        CorruptFile: An array is missing, damaged or of another length.
    """
    others = [_part(folder, part, model) for part in (Part.SEARCH, Part.TRAINING)]
    return BuildRows(Rows([folder / Part.CALIBRATION], model), *others)


def evaluation_rows(folder: Path, model: SourceModel) -> Rows:
    """Return the rows that every candidate is run on: those of the test, then those of the search.

    Raises:
        CorruptFile: An array is missing, damaged or of another length.
    """
    there = [part for part in FOR_EVALUATION if part is Part.TEST or (folder / part).exists()]
    return Rows([folder / part for part in there], model)


def _part(folder: Path, part: Part, model: SourceModel) -> Rows | None:
    return Rows([folder / part], model) if (folder / part).exists() else None


def _cut(arrays: Sequence[Array], start: int, stop: int) -> Array:
    """Return rows of `arrays` one after another; without a copy where they lie in one of them."""
    found = []
    for array in arrays:
        piece = array[max(0, start) : max(0, stop)]
        start, stop = start - len(array), stop - len(array)
        if len(piece):
            found.append(piece)
    joined: Any = np.concatenate(found) if len(found) > 1 else (found or [arrays[0][:0]])[0]
    return np.asarray(joined)


def _load(path: Path) -> Array:
    try:
        found: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorruptFile(
            f"The array {path.parent.name}/{path.name} of the data set cannot be read: {error}.",
            hint="Add the data again.",
        ) from error
    return found
