"""Residual blocks of a network's graph: sums ``x + f(x)`` from which the branch ``f`` can be left out.

A block is found by structure alone: a sum of two tensors of its own shape, one of which the other is computed
from. So blocks of ResNets, ConvNeXt and inverted residuals, attention and MLP of transformers, and parallel
branches (``x + f(x) + g(x)``) are all found, in PyTorch and ONNX graphs, whatever their authors called them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

MOST_OF_THE_NETWORK = 0.5
"""A branch with more than this share of all operations is the network itself, such as a long skip's."""
RESCORED = 4
"""After each removal so many of the most promising blocks are measured anew; the others keep their figure."""


@dataclass(frozen=True)
class Dataflow:
    """Which tensor is computed from which.

    Attributes:
        inputs: By tensor, in an order that can be computed, those that it is computed from; weights too.
        sums: By their result, sums of two computed tensors of its own shape.
        shapes: Shape of every computed tensor on an example.
        macs: Multiply-accumulates of the tensors that convolutions and matrix products make.
        ends: The network's outputs.
    """

    inputs: Mapping[str, tuple[str, ...]]
    sums: Mapping[str, tuple[str, str]]
    shapes: Mapping[str, tuple[int, ...]]
    macs: Mapping[str, int]
    ends: tuple[str, ...]

    def live(self, removed: Mapping[str, str]) -> set[str]:
        """Return what the outputs still need where each sum in `removed` is only its other operand."""
        found: set[str] = set()
        waiting = list(self.ends)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += (removed[name],) if name in removed else self.inputs.get(name, ())
        return found


@dataclass(frozen=True)
class ResidualBlock:
    """One branch that can be left out.

    Attributes:
        output: The sum.
        stream: The operand that stays in its place.
        gone: Tensors that nothing needs once the branch is left out, weights among them.
        stage: Number of its stage: neighbouring blocks whose sums have one shape.
        macs: Multiply-accumulates of the branch.
        spare: How many blocks of its stage may go: one stays.
    """

    output: str
    stream: str
    gone: frozenset[str]
    stage: int
    macs: int
    spare: int = 0


def residual_blocks(flow: Dataflow) -> list[ResidualBlock]:
    """Return the blocks that can be left out, in the network's order.

    Sums with a projected shortcut count as blocks of their stage, but stay: they change the shape.
    """
    ancestors = _ancestors(flow)
    everything, total = flow.live({}), sum(flow.macs.values())
    heavy = sum(1 << at for at, name in enumerate(flow.inputs) if flow.macs.get(name))
    found: list[ResidualBlock] = []
    members: Counter[int] = Counter()
    stage, shape = 0, None
    for name in (each for each in flow.sums if each in everything):
        one, other = flow.sums[name]
        stream = _stream(flow, ancestors, name)
        gone = everything - flow.live({name: stream}) if stream is not None else set()
        macs = sum(flow.macs.get(each, 0) for each in gone)
        if macs > MOST_OF_THE_NETWORK * total or not (ancestors[one] ^ ancestors[other]) & heavy:
            continue
        stage, shape = stage + (shape != flow.shapes[name]), flow.shapes[name]
        members[stage] += 1
        if stream is not None and macs:
            found.append(ResidualBlock(name, stream, frozenset(gone), stage, macs))
    return [replace(block, spare=members[block.stage] - 1) for block in found if members[block.stage] > 1]


def _ancestors(flow: Dataflow) -> dict[str, int]:
    """Return by tensor all that it is computed from and itself, as bits; its own is the highest."""
    bits: dict[str, int] = {}
    for at, (name, inputs) in enumerate(flow.inputs.items()):
        bits[name] = 1 << at
        for each in inputs:
            bits[name] |= bits.get(each, 0)
    return bits


def _stream(flow: Dataflow, ancestors: Mapping[str, int], name: str) -> str | None:
    """Return the operand of a sum from which, or from a part of which, the other one is computed."""
    one, other = flow.sums[name]
    for kept, branch in ((one, other), (other, one)):
        parts, waiting = set(), [kept]
        while waiting:
            part = waiting.pop()
            if part not in parts:
                parts.add(part)
                waiting += flow.sums.get(part, ())
        if any(ancestors[branch] >> (ancestors[part].bit_length() - 1) & 1 for part in parts):
            return kept
    return None


Errors = Callable[[Sequence[int], Sequence[int]], list[float]]
"""Given what is removed and what might be removed next, the output error with each of the latter."""


def choose(
    blocks: Sequence[ResidualBlock], gains: Sequence[float], errors: Errors, share: float, count: int
) -> list[int]:
    """Return which blocks to remove, in the order of removal: greedily the least error for the gain.

    The last block of a stage stays. At least one is chosen where any may go.

    Args:
        blocks: All that can be removed.
        gains: What the removal of each saves, in any unit.
        errors: Measures outputs.
        share: Of the sum of `gains`; the removals come as near to it as they can.
        count: How many instead, where it is not 0.
    """
    gone: list[int] = []
    now = 0.0
    rise = dict(enumerate(errors((), range(len(blocks)))))
    wanted = share * sum(gains)
    while allowed := _allowed(blocks, gone):
        ranked = sorted(allowed, key=lambda at: rise[at] / gains[at])[: RESCORED if gone else 1]
        if gone:
            rise |= {at: each - now for at, each in zip(ranked, errors(gone, ranked), strict=True)}
        best = min(ranked, key=lambda at: rise[at] / gains[at])
        saved = sum(gains[at] for at in gone)
        if gone and (len(gone) >= count if count else saved + gains[best] / 2 > wanted):
            break
        gone.append(best)
        now += rise[best]
    return gone


def _allowed(blocks: Sequence[ResidualBlock], gone: Sequence[int]) -> list[int]:
    taken = Counter(blocks[at].stage for at in gone)
    inside = {name for at in gone for name in blocks[at].gone}
    return [
        at
        for at, block in enumerate(blocks)
        if at not in gone and block.output not in inside and taken[block.stage] < block.spare
    ]
