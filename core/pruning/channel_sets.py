"""Which positions of which tensors stand for the same channel.

Each position along each axis of a tensor carries an *atom*, a number. An operation that ties two positions
joins their atoms (union-find); one that nothing can be removed through freezes them, and says why. What is
joined and not frozen in the end is one channel: it can be cut out of all tensors it touches at once.
The grouping is that of DepGraph (Fang et al. 2023, arXiv 2301.12900), kept for single positions, so that
concatenations, splits, flattening and channel shuffles need no rules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

Atoms = NDArray[np.int64]
Axes = tuple[Atoms | None, ...]
"""Atoms by axis, None for an axis from which nothing can be removed."""


class Joined:
    """Atoms that are joined to classes, each of which may be frozen with a reason."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._reason: dict[int, str] = {}

    def new(self, count: int) -> Atoms:
        """Return `count` atoms that are joined with nothing."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count)

    def find(self, atom: int) -> int:
        """Return the representative of the class of `atom`."""
        root = atom
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[atom] != root:
            self._parent[atom], atom = root, self._parent[atom]
        return root

    def classes(self, atoms: Atoms) -> Atoms:
        """Return the representatives of `atoms`, in the same shape."""
        found = [self.find(int(atom)) for atom in atoms.ravel()]
        return np.array(found, np.int64).reshape(atoms.shape)

    def join(self, one: Atoms, other: Atoms) -> None:
        """Join two arrays of equal size, position by position."""
        for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
            left, right = self.find(a), self.find(b)
            if left != right:
                self._parent[right] = left
                if right in self._reason:
                    self._reason.setdefault(left, self._reason[right])

    def freeze(self, atoms: Atoms | None, reason: str) -> None:
        """Keep `atoms` for good; the first reason stands."""
        for atom in [] if atoms is None else atoms.ravel().tolist():
            self._reason.setdefault(self.find(atom), reason)

    def reason(self, atom: int) -> str | None:
        """Return why the class of `atom` is frozen, or None where it is free."""
        return self._reason.get(self.find(atom))


def together(joined: Joined, found: Sequence[Atoms | None], reason: str) -> Atoms | None:
    """Join axes that must stay equal; one from which nothing can be removed freezes the others."""
    known = [atoms for atoms in found if atoms is not None]
    if len(known) < len(found):
        for atoms in known:
            joined.freeze(atoms, reason)
        return None
    for atoms in known[1:]:
        joined.join(known[0], atoms)
    return known[0] if known else None


def reshaped(joined: Joined, axes: Axes, before: Sequence[int], after: Sequence[int]) -> Axes:
    """Return the atoms of a tensor of shape `before` after it took shape `after`.

    Axes that merge repeat their atoms: a channel of a 7 x 7 map becomes 49 positions of one atom. Where an
    axis of channels splits, one of the new axes carries the channels and those that the others tell apart
    are joined: heads of attention lose the same positions, so do the groups of a channel shuffle.
    """
    result: list[Atoms | None] = []
    for old, new in _segments(before, after):
        merged = _merge(joined, [axes[axis] for axis in old], [before[axis] for axis in old])
        result += _split(joined, merged, [after[axis] for axis in new])
    return tuple(result)


def _segments(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return the shortest runs of axes that hold the same number of elements."""
    found: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(before) or j < len(after):
        old, new = [], []
        left = right = 1
        while True:
            if i < len(before) and (left <= right or j >= len(after)):
                left *= before[i]
                old.append(i)
                i += 1
            elif j < len(after):
                right *= after[j]
                new.append(j)
                j += 1
            if left == right and old and (new or j >= len(after)):
                break
            if i >= len(before) and j >= len(after):
                break
        found.append((old, new))
    return found


def _merge(joined: Joined, axes: Sequence[Atoms | None], sizes: Sequence[int]) -> Atoms | None:
    carrying = [(at, atoms) for at, atoms in enumerate(axes) if atoms is not None and sizes[at] > 1]
    if len(carrying) != 1:
        for _, atoms in carrying:
            joined.freeze(atoms, "a reshape that mixes two axes of channels")
        return axes[0] if len(axes) == 1 else None
    at, atoms = carrying[0]
    shape = [1] * len(sizes)
    shape[at] = sizes[at]
    return np.broadcast_to(atoms.reshape(shape), tuple(sizes)).ravel()


def _split(joined: Joined, atoms: Atoms | None, sizes: Sequence[int]) -> list[Atoms | None]:
    result: list[Atoms | None] = [None] * len(sizes)
    wide = [at for at, size in enumerate(sizes) if size > 1]
    if atoms is None or not wide:
        return [atoms] if len(sizes) == 1 else result
    if prod(sizes) != atoms.size:
        joined.freeze(atoms, "a reshape")
        return result
    block = joined.classes(atoms).reshape(tuple(sizes))
    at = next((at for at in wide if _varies_only_along(block, at)), wide[-1])
    rows = np.moveaxis(block, at, 0).reshape(sizes[at], -1)
    for column in range(1, rows.shape[1]):
        joined.join(rows[:, 0], rows[:, column])
    result[at] = rows[:, 0]
    return result


def _varies_only_along(block: Atoms, axis: int) -> bool:
    first = np.take(block, [0], axis=axis)
    lead = np.moveaxis(block, axis, 0).reshape(block.shape[axis], -1)
    return bool((lead == lead[:, :1]).all()) and first.size >= 1
