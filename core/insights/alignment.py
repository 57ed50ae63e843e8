"""Layers of two profiles of one network, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from core.domain.profile import LayerProfile


def aligned(ours: Sequence[LayerProfile], theirs: Sequence[LayerProfile]) -> dict[int, int]:
    """Return the place among `theirs` of each of `ours` that multiplies and has a counterpart.

    Layers of one name, or that cover a node of one name, are the same. The others are brought together in
    their order: where both networks multiply in as many layers, one by one, since pruned layers keep their
    place; else where their multiply-accumulates are the same.
    """
    mine = [at for at, layer in enumerate(ours) if layer.macs]
    other = [at for at, layer in enumerate(theirs) if layer.macs]
    if len(mine) == len(other):
        return dict(zip(mine, other, strict=True))
    found = _by_name(ours, theirs, mine, other)
    if 2 * len(found) > len(mine):
        return found
    keys = [ours[at].macs for at in mine], [theirs[at].macs for at in other]
    blocks = SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks()
    return {mine[one + step]: other[two + step] for one, two, size in blocks for step in range(size)}


def _by_name(
    ours: Sequence[LayerProfile], theirs: Sequence[LayerProfile], mine: list[int], other: list[int]
) -> dict[int, int]:
    known = {name: at for at in other for name in (theirs[at].name, *theirs[at].nodes)}
    found: dict[int, int] = {}
    for at in mine:
        names = (ours[at].name, *ours[at].nodes)
        place = next((known[name] for name in names if name in known), None)
        if place is not None and place not in found.values():
            found[at] = place
    return found


def with_followers(layers: Sequence[LayerProfile], at: int) -> float:
    """Return the milliseconds of a layer and of what follows it up to the next one that multiplies.

    What one runtime fuses into a layer, such as an activation, another runs behind it.
    """
    total = layers[at].ms
    for layer in layers[at + 1 :]:
        if layer.macs:
            break
        total += layer.ms
    return total
