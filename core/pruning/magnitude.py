"""Unstructured magnitude pruning (Han et al. 2015, Learning both Weights and Connections, 1506.02626)."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from core.protocols import Array

CHUNK = 1 << 20


OF_FOUR = "2:4"


def masks(
    weights: Mapping[str, Array], amount: float, scope: str, inputs_first: Collection[str] = ()
) -> dict[str, Array]:
    """Return which elements of each weight to keep.

    Args:
        weights: Arrays of any shape by name.
        amount: Share of elements to drop, 0 to 1.
        scope: ``layer`` drops that share of every weight; ``global`` the smallest of all weights together;
            ``2:4`` the smaller two of each four neighbours along the inputs, whatever the share.
        inputs_first: Weights (in, out); all others are (out, in, ...).

    Returns:
        Boolean arrays of the weights' shapes, False where an element goes.
    """
    if scope == OF_FOUR:
        return {
            name: _two_of_four(weight.T).T if name in inputs_first else _two_of_four(weight)
            for name, weight in weights.items()
        }
    if scope == "layer":
        return {name: _keep(np.abs(weight), amount) for name, weight in weights.items()}
    every = np.concatenate([np.abs(weight).ravel().astype(np.float32) for weight in weights.values()])
    kept = np.split(_keep(every, amount), np.cumsum([weight.size for weight in weights.values()])[:-1])
    return {name: part.reshape(weights[name].shape) for name, part in zip(weights, kept, strict=True)}


def _two_of_four(weight: Array) -> Array:
    """Keep the larger two of each four along the inputs (Mishra et al. 2021, arXiv 2104.08378)."""
    rows = np.abs(weight).reshape(len(weight), -1)
    keep = np.ones(rows.shape, bool)
    fours = rows.shape[1] // 4 * 4
    order = rows[:, :fours].reshape(len(rows), -1, 4).argsort(-1, kind="stable")
    parts = np.ones(order.shape, bool)
    np.put_along_axis(parts, order[..., :2], False, -1)
    keep[:, :fours] = parts.reshape(len(rows), fours)
    return keep.reshape(weight.shape)


def _keep(size: Array, amount: float) -> Array:
    """Drop an exact number: where many magnitudes are equal, a threshold would drop too many."""
    keep = np.ones(size.size, bool)
    dropped = round(amount * size.size)
    if dropped:
        keep[np.argpartition(size.ravel(), dropped - 1)[:dropped]] = False
    return keep.reshape(size.shape)


def zeros(arrays: Iterable[Array]) -> int:
    """Return how many elements of `arrays` are zero."""
    return sum(int(array.size - np.count_nonzero(array)) for array in arrays)


def compressed_bytes(paths: Iterable[Path]) -> int:
    """Return the bytes of `paths` after deflate, the compression of zip files and of HTTP."""
    total = 0
    for path in paths:
        packer = zlib.compressobj(6)
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                total += len(packer.compress(chunk))
        total += len(packer.flush())
    return total
