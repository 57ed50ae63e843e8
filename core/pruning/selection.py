"""Channel selection by norm importance: the least important channels of each dependency group go.

Importance is the norm of all weights of a channel, in the layers that make it and in those that read it,
each relative to its layer's mean, so that no layer drowns the others (Li et al. 2017, arXiv 1608.08710; as
a group: Fang et al. 2023, arXiv 2301.12900). A batch norm behind a layer scales what the layer's norm says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.protocols import Array
from core.pruning.channel_sets import ChannelIds
from core.pruning.dependency_groups import Keep
from core.pruning.propagation import Tracer

FEWEST = 8
"""A layer is rounded to an eighth of its width at most: a step of 8 would empty a layer of 16."""


@dataclass(frozen=True)
class PruningRule:
    """Pruning ratio, rounding, criterion and scope.

    Attributes:
        ratio: Share of channels to remove, 0 to 1.
        round_to: Widths are kept multiples of this, which kernels like; and never below it.
        criterion: ``l1`` or ``l2`` norm of the weights; ``bn_scale``, the gain of the batch norm behind a
            layer (Liu et al. 2017, arXiv 1708.06519); ``taylor``, the tracer's sensitivities (Molchanov et
            al. 2019, arXiv 1906.10771).
        scope: ``layer`` takes the share of each group; ``global`` of all channels together.
        residuals: Whether channels that several layers add to may go.
        widths: How many channels stay in each group, whatever the ratio; empty goes by the ratio.
    """

    ratio: float
    round_to: int = 8
    criterion: str = "l2"
    scope: str = "layer"
    residuals: bool = True
    widths: tuple[int, ...] = ()


@dataclass(frozen=True)
class DependencyGroup:
    """Dependency group (DepGraph): channels in the same axes of the same weights, ranked together.

    Attributes:
        places: The weights and axes, in order.
        channels: Representatives of their ids.
        importance: One number per channel, 1 on average.
    """

    places: tuple[tuple[str, int], ...]
    channels: tuple[int, ...]
    importance: NDArray[np.float64]


def groups(tracer: Tracer, criterion: str) -> list[DependencyGroup]:
    """Return all groups of channels that can lose some, in the order of the network."""
    places, scores = _scores(tracer, criterion)
    members: dict[tuple[tuple[str, int], ...], list[int]] = defaultdict(list)
    for channel, found in places.items():
        if tracer.coupled.reason(channel) is None and any(name in tracer.layer_weights for name, _ in found):
            members[tuple(found)].append(channel)
    return [
        DependencyGroup(found, tuple(channels), _normed([scores[channel] for channel in channels]))
        for found, channels in members.items()
        if len(channels) > 1
    ]


def _scores(
    tracer: Tracer, criterion: str
) -> tuple[dict[int, dict[tuple[str, int], None]], dict[int, float]]:
    places: dict[int, dict[tuple[str, int], None]] = defaultdict(dict)
    scores: dict[int, float] = defaultdict(float)
    for name, array in tracer.constants.items():
        for axis, ids in enumerate(tracer.of(name)):
            if ids is None:
                continue
            channels = tracer.coupled.classes(ids)
            values = _norms(tracer, name, array, axis, criterion) if name in tracer.layer_weights else None
            for at, channel in enumerate(channels.tolist()):
                places[channel][(name, axis)] = None
                scores[channel] += 0.0 if values is None else float(values[at])
    return places, scores


def _norms(tracer: Tracer, name: str, array: Array, axis: int, criterion: str) -> NDArray[np.float64] | None:
    """Return the importance of each position along an axis, or None where the criterion does not tell."""
    others = tuple(other for other in range(array.ndim) if other != axis)
    if criterion == "taylor":
        told = tracer.sensitivities.get(name)
        return None if told is None else _normed(told.sum(others, dtype=np.float64))
    if criterion == "bn_scale":
        held = tracer.batch_norm_gains.get(name)
        return _normed(np.abs(held)) if held is not None and axis == 0 and len(held) == len(array) else None
    size = np.asarray(array, np.float32)
    if criterion == "l1":
        found: NDArray[np.float64] = np.abs(size).sum(others, dtype=np.float64)
    else:
        found = np.sqrt(np.square(size).sum(others, dtype=np.float64))
    gain = tracer.batch_norm_scales.get(name)
    if gain is not None and axis == 0 and gain.shape == found.shape:
        found = found * np.abs(gain)
    return _normed(found)


def _normed(values: Array | list[float]) -> NDArray[np.float64]:
    found = np.asarray(values, np.float64)
    mean = float(found.mean())
    return found / mean if mean > 0 and np.isfinite(mean) else np.ones_like(found)


def prune(tracer: Tracer, rule: PruningRule, write: Callable[[dict[str, Array]], None]) -> Keep | None:
    """Choose channels and take them out of a network.

    Args:
        tracer: Of the network.
        rule: How much goes.
        write: Puts the smaller weights, by name, in place of the network's own.

    Returns:
        Which channels stay, or None where there was nothing to remove.
    """
    if not rule.residuals:
        tracer.hold_streams()
    gone = choose(groups(tracer, rule.criterion), rule)
    if not gone:
        return None
    keep = _keeper(tracer, gone)
    write(tracer.pruned(keep))
    for edit in tracer.edits:
        edit(keep)
    return keep


def choose(found: list[DependencyGroup], rule: PruningRule) -> set[int]:
    """Return the channels to remove."""
    if rule.widths:
        return _least(found, rule.widths)
    if rule.scope == "global" and found:
        every = np.concatenate([group.importance for group in found])
        limit = np.quantile(every, rule.ratio)
        wanted = [int((group.importance > limit).sum()) for group in found]
    else:
        wanted = [round(len(group.channels) * (1 - rule.ratio)) for group in found]
    sizes = [len(group.channels) for group in found]
    kept = [_rounded(count, size, rule.round_to) for count, size in zip(wanted, sizes, strict=True)]
    return _least(found, kept)


def _least(found: Sequence[DependencyGroup], widths: Sequence[int]) -> set[int]:
    """Return the least important channels, all but so many of each group."""
    gone: set[int] = set()
    for group, kept in zip(found, widths, strict=True):
        order = np.argsort(group.importance, kind="stable")
        gone |= {group.channels[at] for at in order[: len(group.channels) - kept]}
    return gone


def _rounded(wanted: int, size: int, round_to: int) -> int:
    step = max(1, min(round_to, size // FEWEST))
    kept = -(-max(wanted, 1) // step) * step
    return min(size, max(kept, min(round_to, size)))


def _keeper(tracer: Tracer, gone: set[int]) -> Keep:
    """Return the function that says of channel ids whether they stay."""
    dropped = np.array(sorted(gone), np.int64)

    def keep(ids: ChannelIds) -> NDArray[np.bool_]:
        return ~np.isin(tracer.coupled.classes(ids), dropped)

    return keep


def reasons(tracer: Tracer) -> list[str]:
    """Return why channels are frozen, the most frequent reason first."""
    counted: Counter[str] = Counter()
    for name in tracer.layer_weights:
        for axis, ids in enumerate(tracer.of(name)):
            reason = None if ids is None or axis > 1 else tracer.coupled.reason(int(ids[0]))
            if reason is not None:
                counted[reason] += 1
    return [reason for reason, _ in counted.most_common()]
