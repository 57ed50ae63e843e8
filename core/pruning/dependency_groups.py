"""Dependency graph of a network's channels: ids along every tensor, and what changes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.protocols import Array
from core.pruning.channel_sets import Axes, ChannelIds, CoupledChannels

Keep = Callable[[ChannelIds], NDArray[np.bool_]]
"""Says of each channel id whether the channel stays."""

Edit = Callable[[Keep], None]
"""Changes an attribute of a node once the choice is made."""


class Channels:
    """Channel ids of every tensor of a network.

    Args:
        constants: The network's weights by name; floats with at least one axis can lose positions.
        shapes: Shape of every tensor that the network computes on an example of batch 2, inputs included.

    Attributes:
        edits: What has to change beside the weights.
        gains: By weight and axis, the scale of the batch norm that follows, one factor an output channel.
        batch_norm_gains: By weight, the learned gain of the batch norm that follows.
        sensitivities: By weight, how much the loss depends on each of its numbers, where that is known.
        heavy: Weights of convolutions and products.
        streams: Channels that several layers add to: residual streams.
        origin: By tensor, the constant that it is a transposed view of; constants themselves too.
    """

    def __init__(self, constants: Mapping[str, Array], shapes: Mapping[str, Sequence[int]]) -> None:
        self.coupled = CoupledChannels()
        self.constants = dict(constants)
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.axes: dict[str, Axes] = {}
        self.edits: list[Edit] = []
        self.batch_norm_scales: dict[str, Array] = {}
        self.batch_norm_gains: dict[str, Array] = {}
        self.sensitivities: dict[str, Array] = {}
        self.layer_weights: set[str] = set()
        self.streams: list[ChannelIds] = []
        self.origin: dict[str, str] = {name: name for name in constants}
        for name, array in self.constants.items():
            self.shapes[name] = array.shape
            can_shrink = array.dtype.kind == "f"
            self.axes[name] = tuple(self.coupled.new(size) if can_shrink else None for size in array.shape)

    def of(self, name: str) -> Axes:
        """Return the channel ids of a tensor; the network's inputs have none."""
        return self.axes.get(name, (None,) * len(self.shapes.get(name, ())))

    def freeze(self, names: Iterable[str], reason: str) -> None:
        """Keep every position of the tensors `names`."""
        for name in names:
            for ids in self.of(name):
                self.coupled.freeze(ids, reason)

    def freeze_axes(self, name: str, axes: Iterable[int], reason: str) -> Axes:
        """Keep the positions along some axes of a tensor and return its ids without them."""
        found = list(self.of(name))
        for axis in axes:
            self.coupled.freeze(found[axis], reason)
            found[axis] = None
        return tuple(found)

    def unknown(self, inputs: Iterable[str], outputs: Iterable[str], kind: str) -> None:
        """Freeze all that an operation touches that may mix channels."""
        self.freeze(inputs, kind)
        for name in outputs:
            self.axes[name] = (None,) * len(self.shapes.get(name, ()))

    def hold_streams(self) -> None:
        """Keep the channels of residual streams: all layers between the sums would lose what they share."""
        for ids in self.streams:
            self.coupled.freeze(ids, "residual sums")

    def multiply(self, weight: str, scale: Array, gain: Array | None = None) -> None:
        """Remember the `scale` (out,) of a batch norm that follows `weight`, and the learned `gain` in it."""
        self.batch_norm_scales[weight] = scale
        if gain is not None:
            self.batch_norm_gains[weight] = gain

    def sizes(self, name: str, keep: Keep) -> tuple[int, ...]:
        """Return the shape of a tensor after pruning."""
        return tuple(
            size if ids is None else int(keep(ids).sum())
            for size, ids in zip(self.shapes[name], self.of(name), strict=True)
        )

    def moves(self, name: str) -> bool:
        """Whether any axis of a tensor could still lose positions."""
        return any(ids is not None and self.shapes[name][at] > 1 for at, ids in enumerate(self.of(name)))

    def pruned(self, keep: Keep) -> dict[str, Array]:
        """Return the weights that lose positions, without them."""
        changed = {}
        for name, array in self.constants.items():
            axes = [
                np.ones(size, bool) if ids is None else keep(ids)
                for size, ids in zip(array.shape, self.of(name), strict=True)
            ]
            if not all(mask.all() for mask in axes):
                changed[name] = array[np.ix_(*axes)]
        return changed
