"""Propagation of channel dependencies through operations, shared by ONNX and PyTorch graphs.

A front end walks its graph in order and calls one method per node, with the names of tensors. Each method
says which positions of its inputs and outputs are the same channel; what it does not know, it freezes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np

from core.protocols import Array
from core.pruning.channel_sets import ChannelIds, couple, reshaped
from core.pruning.dependency_groups import Channels


class Tracer(Channels):
    """Traces channel dependencies through the operations of a network."""

    def same(self, source: str, target: str) -> None:
        """Each output position comes from the input at the same place, along all axes of equal size."""
        sizes, kept = self.shapes[target], self.of(source)
        before = self.shapes[source]
        if len(sizes) != len(before):
            return self.unknown([source], [target], "a change of rank")
        changed = [axis for axis, size in enumerate(sizes) if size != before[axis]]
        self.axes[target] = self.freeze_axes(source, changed, "a resize along channels") if changed else kept
        return None

    def elementwise(self, inputs: Sequence[str], target: str, adds: bool = False) -> None:
        """Broadcast: axes are aligned from the right, axes of size 1 are stretched.

        Where it `adds` two computed tensors, their channels are a residual stream.
        """
        sizes = self.shapes[target]
        result: list[ChannelIds | None] = []
        for back in range(len(sizes), 0, -1):
            size = sizes[-back]
            meeting = [
                self.of(name)[-back]
                for name in inputs
                if len(self.shapes[name]) >= back and self.shapes[name][-back] == size
            ]
            result.append(couple(self.coupled, meeting, "a sum with something that keeps its size"))
        self.axes[target] = tuple(result)
        if adds and sum(name not in self.origin for name in inputs) > 1:
            self.streams += [ids for ids in result if ids is not None]

    def convolution(
        self, x: str, w: str, bias: str | None, target: str, groups: int, transposed: bool
    ) -> bool:
        """Tie a convolution's weight (out, in / groups, ...) or, where `transposed`, (in, out / groups, ...).

        Returns:
            Whether the number of groups follows the number of channels (a depthwise convolution).
        """
        self.layer_weights.add(w)
        self.axes[w] = self.freeze_axes(w, range(2, len(self.shapes[w])), "a kernel's size")
        first, second = self.of(w)[:2]
        data, count = self.of(x)[1], self.shapes[x][1]
        depthwise = groups > 1 and groups == count and self.shapes[w][1] == 1
        if first is None or second is None:
            out = None
            self.freeze([x, w, *([bias] if bias else [])], "a convolution whose weight is no constant")
        elif depthwise:
            times = self.shapes[target][1] // count
            spread = None if data is None else np.repeat(data, times)
            self.coupled.freeze(second, "a kernel's size")
            out = couple(self.coupled, [first, spread], "a depthwise convolution of the input")
        elif transposed:
            out = self._grouped(first, second, data, groups)
        else:
            out = self._grouped(second, first, data, groups, whole_out=True)
        if bias:
            out = couple(self.coupled, [out, self.of(bias)[0]], "a bias")
        self.axes[target] = (None, out, *(None,) * (len(self.shapes[target]) - 2))
        return depthwise

    def _grouped(
        self,
        inner: ChannelIds,
        outer: ChannelIds,
        data: ChannelIds | None,
        groups: int,
        whole_out: bool = False,
    ) -> ChannelIds:
        """Each group loses the same positions. The axis that the weight holds in full is tied to itself."""
        if groups == 1:
            couple(self.coupled, [inner, data], "the network's input")
            return outer
        if whole_out:
            self._repeat(outer, groups)
            couple(self.coupled, [np.tile(inner, groups), data], "the network's input")
            return outer
        self._repeat(inner, groups)
        couple(self.coupled, [inner, data], "the network's input")
        return np.tile(outer, groups)

    def _repeat(self, ids: ChannelIds, groups: int) -> None:
        rows = ids.reshape(groups, -1)
        for row in rows[1:]:
            self.coupled.join(rows[0], row)

    def product(self, x: str, y: str, target: str) -> None:
        """Tie the last axis of `x` to the last but one of `y`, as `numpy.matmul` does."""
        a, b = self.shapes[x], self.shapes[y]
        if len(a) < 2 or len(b) < 2:
            return self.unknown([x, y], [target], "a product with a vector")
        if (x in self.origin) == (y in self.origin):
            self.freeze_axes(x, [len(a) - 1], "attention's scores")
            self.freeze_axes(y, [len(b) - 2], "attention's scores")
        else:
            self.layer_weights |= {self.origin[name] for name in (x, y) if name in self.origin}
            couple(self.coupled, [self.of(x)[-1], self.of(y)[-2]], "the network's input")
        self._batch_axes(x, y, target)
        return None

    def _batch_axes(self, x: str, y: str, target: str) -> None:
        rows, columns = self.of(x)[-2], self.of(y)[-1]
        lead = len(self.shapes[target]) - 2
        for name in (x, y):
            self.freeze_axes(name, range(len(self.shapes[name]) - 2), "a batch of products")
        self.axes[target] = (*(None,) * lead, rows, columns)

    def linear(self, x: str, w: str, bias: str | None, target: str, transposed: bool = True) -> None:
        """Tie a weight (out, in) or, where not `transposed`, (in, out) to the last axis of `x`."""
        self.layer_weights |= {w} & self.constants.keys()
        out, inner = self.of(w) if transposed else self.of(w)[::-1]
        couple(self.coupled, [self.of(x)[-1], inner], "the network's input")
        meeting = [out]
        if bias and self.shapes[bias] and self.shapes[bias][-1] > 1:
            meeting.append(self.of(bias)[-1])
        if bias:
            self.freeze_axes(bias, range(len(self.shapes[bias]) - 1), "a bias per row")
        out = couple(self.coupled, meeting, "a bias")
        self.axes[target] = (*self.of(x)[:-1], out)

    def per_channel(self, x: str, weights: Iterable[str], target: str) -> None:
        """Tie vectors to the channels of `x`, as batch norm does; the other axes pass."""
        meeting = [self.of(x)[1], *(self.of(name)[0] for name in weights)]
        found = couple(self.coupled, meeting, "a norm of the input")
        self.axes[target] = (self.of(x)[0], found, *self.of(x)[2:])

    def concatenated(self, inputs: Sequence[str], target: str, axis: int) -> None:
        """Lay the ids of one axis side by side and couple the others."""
        rank = len(self.shapes[target])
        axis %= rank
        result: list[ChannelIds | None] = []
        for at in range(rank):
            found = [self.of(name)[at] for name in inputs]
            if at != axis:
                result.append(couple(self.coupled, found, "a concatenation"))
            elif all(ids is None for ids in found):
                result.append(None)
            else:
                pairs = zip(inputs, found, strict=True)
                result.append(np.concatenate([self._solid(name, ids, at) for name, ids in pairs]))
        self.axes[target] = tuple(result)

    def _solid(self, name: str, ids: ChannelIds | None, axis: int) -> ChannelIds:
        if ids is not None:
            return ids
        fresh = self.coupled.new(self.shapes[name][axis])
        self.coupled.freeze(fresh, "a concatenation with the input")
        return fresh

    def taken(self, source: str, target: str, axis: int, positions: Array) -> None:
        """Take some positions along one axis; scalar `positions` drop the axis."""
        found = list(self.of(source))
        ids = found[axis]
        if np.ndim(positions) == 0:
            self.freeze_axes(source, [axis], "one position taken out")
            del found[axis]
        else:
            found[axis] = None if ids is None else ids[positions]
        self.axes[target] = tuple(found)

    def padded(
        self, source: str, target: str, fronts: Sequence[int], backs: Sequence[int]
    ) -> list[ChannelIds | None]:
        """Lay new positions before and behind; returns the ids of the padded axes, None for the others."""
        result: list[ChannelIds | None] = []
        for ids, front, back in zip(self.of(source), fronts, backs, strict=True):
            if ids is None or front == back == 0:
                result.append(ids)
            elif front < 0 or back < 0:
                self.coupled.freeze(ids, "a crop of channels")
                result.append(None)
            else:
                result.append(np.concatenate([self.coupled.new(front), ids, self.coupled.new(back)]))
        self.axes[target] = tuple(result)
        pairs = zip(result, fronts, backs, strict=True)
        return [ids if front or back else None for ids, front, back in pairs]

    def transposed(self, source: str, target: str, order: Sequence[int]) -> None:
        """Reorder axes."""
        found = self.of(source)
        self.axes[target] = tuple(found[axis] for axis in order)
        if source in self.origin:
            self.origin[target] = self.origin[source]

    def reduced(self, source: str, target: str, axes: Iterable[int], keep: bool) -> None:
        """Mean, sum or norm along `axes`; over channels it would mean something else after pruning."""
        rank = len(self.shapes[source])
        gone = {axis % rank for axis in axes}
        found = self.freeze_axes(source, gone, "a reduction over channels")
        self.axes[target] = tuple(ids for at, ids in enumerate(found) if keep or at not in gone)

    def reshaped(self, source: str, target: str) -> None:
        """Any change of shape that keeps the order of elements."""
        before, after = self.shapes[source], self.shapes[target]
        if prod(before) != prod(after):
            return self.unknown([source], [target], "a reshape")
        self.axes[target] = reshaped(self.coupled, self.of(source), before, after)
        return None
