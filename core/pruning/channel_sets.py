"""Coupled channels: which positions of which tensors can only be removed together (union-find).

Each position along each axis of a tensor carries a channel id. An operation that couples two positions
joins their ids (union-find); one that nothing can be removed through freezes them, and says why. What is
joined and not frozen in the end is one channel: it can be cut out of all tensors it touches at once.
The grouping is that of DepGraph (Fang et al. 2023, arXiv 2301.12900), kept for single positions, so that
concatenations, splits, flattening and channel shuffles need no rules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

ChannelIds = NDArray[np.int64]
Axes = tuple[ChannelIds | None, ...]
"""Channel ids by axis, None for an axis from which nothing can be removed."""


class CoupledChannels:
    """Union-find over channel ids: sets of coupled channels, each of which may be frozen with a reason."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._reason: dict[int, str] = {}

    def new(self, count: int) -> ChannelIds:
        """Return `count` fresh channel ids, coupled with nothing."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count)

    def find(self, channel: int) -> int:
        """Return the representative of the set that `channel` is in."""
        root = channel
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[channel] != root:
            self._parent[channel], channel = root, self._parent[channel]
        return root

    def classes(self, ids: ChannelIds) -> ChannelIds:
        """Return the representatives of `ids`, in the same shape."""
        found = [self.find(int(channel)) for channel in ids.ravel()]
        return np.array(found, np.int64).reshape(ids.shape)

    def join(self, one: ChannelIds, other: ChannelIds) -> None:
        """Join two arrays of equal size, position by position."""
        for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
            left, right = self.find(a), self.find(b)
            if left != right:
                self._parent[right] = left
                if right in self._reason:
                    self._reason.setdefault(left, self._reason[right])

    def freeze(self, ids: ChannelIds | None, reason: str) -> None:
        """Keep `ids` for good; the first reason stands."""
        for channel in [] if ids is None else ids.ravel().tolist():
            self._reason.setdefault(self.find(channel), reason)

    def reason(self, channel: int) -> str | None:
        """Return why `channel` is frozen, or None where it is free."""
        return self._reason.get(self.find(channel))


def couple(coupled: CoupledChannels, found: Sequence[ChannelIds | None], reason: str) -> ChannelIds | None:
    """Join axes that must stay equal; one from which nothing can be removed freezes the others."""
    known = [ids for ids in found if ids is not None]
    if len(known) < len(found):
        for ids in known:
            coupled.freeze(ids, reason)
        return None
    for ids in known[1:]:
        coupled.join(known[0], ids)
    return known[0] if known else None


def reshaped(coupled: CoupledChannels, axes: Axes, before: Sequence[int], after: Sequence[int]) -> Axes:
    """Return the channel ids of a tensor of shape `before` after it took shape `after`.

    Axes that merge repeat their ids: a channel of a 7 x 7 map becomes 49 positions of one id. Where an
    axis of channels splits, one of the new axes carries the channels and those that the others tell apart
    are joined: heads of attention lose the same positions, so do the groups of a channel shuffle.
    """
    result: list[ChannelIds | None] = []
    for old, new in _segments(before, after):
        merged = _merge(coupled, [axes[axis] for axis in old], [before[axis] for axis in old])
        result += _split(coupled, merged, [after[axis] for axis in new])
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


def _merge(
    coupled: CoupledChannels, axes: Sequence[ChannelIds | None], sizes: Sequence[int]
) -> ChannelIds | None:
    carrying = [(at, ids) for at, ids in enumerate(axes) if ids is not None and sizes[at] > 1]
    if len(carrying) != 1:
        for _, ids in carrying:
            coupled.freeze(ids, "a reshape that mixes two axes of channels")
        return axes[0] if len(axes) == 1 else None
    at, ids = carrying[0]
    shape = [1] * len(sizes)
    shape[at] = sizes[at]
    return np.broadcast_to(ids.reshape(shape), tuple(sizes)).ravel()


def _split(coupled: CoupledChannels, ids: ChannelIds | None, sizes: Sequence[int]) -> list[ChannelIds | None]:
    result: list[ChannelIds | None] = [None] * len(sizes)
    wide = [at for at, size in enumerate(sizes) if size > 1]
    if ids is None or not wide:
        return [ids] if len(sizes) == 1 else result
    if prod(sizes) != ids.size:
        coupled.freeze(ids, "a reshape")
        return result
    block = coupled.classes(ids).reshape(tuple(sizes))
    at = next((at for at in wide if _varies_only_along(block, at)), wide[-1])
    rows = np.moveaxis(block, at, 0).reshape(sizes[at], -1)
    for column in range(1, rows.shape[1]):
        coupled.join(rows[:, 0], rows[:, column])
    result[at] = rows[:, 0]
    return result


def _varies_only_along(block: ChannelIds, axis: int) -> bool:
    first = np.take(block, [0], axis=axis)
    lead = np.moveaxis(block, axis, 0).reshape(block.shape[axis], -1)
    return bool((lead == lead[:, :1]).all()) and first.size >= 1
