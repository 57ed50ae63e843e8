"""Stratified sampling and splits: balanced over classes, within memory, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from core.protocols import Array

Indices = NDArray[np.int64]

MAX_BYTES = 1_500_000_000
"""Bytes of the prepared inputs of one data set."""
IN_MEMORY = 64 * 1024**2
STRATA = 10
"""Groups of equal size that numbers to predict are put into."""


def limit(samples: int, row_bytes: int, wanted: int | None = None) -> int:
    """Return how many of `samples` rows of `row_bytes` each to take, `wanted` at most."""
    return min(samples, wanted or samples, max(1, MAX_BYTES // max(1, row_bytes)))


def balanced(labels: Array | None, samples: int, count: int, seed: int = 0) -> Indices:
    """Return `count` ascending row numbers out of `samples`, as many of each class as possible."""
    if count >= samples:
        return np.arange(samples, dtype=np.int64)
    order, rank, _ = ranked(labels, samples, seed)
    return np.sort(order[np.argsort(rank, kind="stable")][:count])


def describe(taken: int, samples: int, labelled: bool) -> dict[str, str]:
    """Return the line for the page where fewer rows were taken than there are."""
    if taken == samples:
        return {}
    how = "evenly over classes" if labelled else "at random"
    return {"Samples": f"{taken:,} of {samples:,}, chosen {how}, the same every time"}


def empty(folder: Path, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return an array to fill: in memory, or mapped to a file below `folder` where it is big."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    folder.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.dtype(dtype), shape=shape)


def ranked(labels: Array | None, samples: int, seed: int) -> tuple[Indices, Indices, Indices]:
    """Return the rows shuffled, with each one's rank within its stratum and the size of its stratum."""
    order = np.random.default_rng(seed).permutation(samples).astype(np.int64)
    _, which, sizes = np.unique(_strata(labels, samples)[order], return_inverse=True, return_counts=True)
    by_class = np.argsort(which, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rank = np.empty(samples, np.int64)
    rank[by_class] = np.arange(samples) - starts[which[by_class]]
    return order, rank, sizes[which].astype(np.int64)


def _strata(labels: Array | None, samples: int) -> Array:
    """Return the stratum of each row: its class, or the tenth that its number to predict lies in."""
    if labels is None or labels[:1].size != 1:
        return np.zeros(samples, np.int64)
    flat = np.asarray(labels).reshape(samples)
    if flat.dtype.kind != "f":
        return flat
    return np.searchsorted(np.quantile(flat, np.linspace(0, 1, STRATA + 1)[1:-1]), flat, side="right")
