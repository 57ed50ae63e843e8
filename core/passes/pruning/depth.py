"""What depth pruning is on PyTorch and ONNX graphs alike: rows, gains in milliseconds, names of blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

import numpy as np

from core.domain.model import CLASS_TASKS, SourceModel
from core.errors import PassFailed, PassNotApplicable, WhetstoneError
from core.passes.latency import rough_times
from core.passes.pruning.pruned_network import savings
from core.protocols import Feed, LocalArtifact, PassContext
from core.pruning.residual_blocks import Dataflow, ResidualBlock, residual_blocks
from core.registry import get_runtime

HINT = "Remove fewer blocks, or prune channels instead."
WORK = 2e12
"""Multiply-accumulates to spend on looking for blocks: under a minute on two cores."""
FEWEST_ROWS, LARGEST_BATCH = 16, 64
HELD_ELEMENTS = 100_000_000
"""Of the inner tensors that are kept for a batch: 400 MB."""
TIMED_TOGETHER = 4
NAMED = 3
"""Inner modules that the name of a block tells, where several blocks lie in one module."""
LEAST_GAIN = 0.05
"""Of the mean: a block whose gain drowns in noise is not worth nothing."""


@dataclass(frozen=True)
class DepthRule:
    """How much goes.

    Attributes:
        share: Of the time of all blocks that could be removed.
        blocks: How many instead, where it is not 0.
        samples: Rows to look at, at most.
        refresh_norms: Whether the layers that are left get back the means and spreads that they had.
    """

    share: float
    blocks: int
    samples: int
    refresh_norms: bool


@dataclass(frozen=True)
class Told:
    """What was done, for the details of an artifact.

    Attributes:
        names: Of all blocks that could be removed.
        gains: What the removal of each saves.
        unit: Of `gains`.
        gone: Which were removed, in that order.
        raw: Output error before statistics were corrected.
        error: ... and of the network as it was saved.
        corrected: Layers whose statistics were.
        rows: Calibration rows that were looked at.
    """

    names: Sequence[str]
    gains: Sequence[float]
    unit: str
    gone: Sequence[int]
    raw: float
    error: float
    corrected: int
    rows: int

    def details(
        self, model: SourceModel, weights: tuple[int, int], flow: Dataflow, size: int, left: set[str]
    ) -> dict[str, Any]:
        """Return the details.

        Args:
            model: Its task says what the error is.
            weights: How many there were, and are.
            flow: Of the network, on an example of `size` rows.
            size: Rows of that example.
            left: Tensors that were not removed.
        """
        macs = [sum(flow.macs.values()), sum(each for name, each in flow.macs.items() if name in left)]
        saved = sum(self.gains[at] for at in self.gone)
        return {
            **savings(weights, [each // size for each in macs]),
            "removed": [self.names[at] for at in self.gone],
            "removable": len(self.names),
            "saved": saved,
            "saved_share": saved / sum(self.gains),
            "unit": self.unit,
            "error": self.error,
            "error_before_correction": self.raw,
            "error_name": "KL divergence" if model.task in CLASS_TASKS else "relative mean squared error",
            "corrected": self.corrected,
            "rows": self.rows,
        }


def weighed(
    context: PassContext,
    blocks: Sequence[ResidualBlock],
    measured: Callable[[], list[float]],
    *formats: str,
) -> tuple[list[float], str]:
    """Return what each block costs and the unit of that: milliseconds where the target can be measured.

    Without a target, or with one that runs none of `formats`, operations stand for time.
    """
    target = context.target
    if target is not None and get_runtime(target.runtime_id).formats.intersection(formats):
        try:
            return measured(), "ms"
        except WhetstoneError:
            pass  # the choice is then less good, and its cost is stated in operations
    return [float(block.macs) for block in blocks], "MACs"


def blocks_of(flow: Dataflow) -> list[ResidualBlock]:
    """Return the blocks that can go.

    Raises:
        PassNotApplicable: There are none.
    """
    found = residual_blocks(flow)
    if not found:
        raise PassNotApplicable(
            "The network has no residual block that can be left out: no two neighbouring sums of one shape "
            "that add to a tensor what convolutions or products make of it.",
            hint="Prune channels instead.",
            instead="prune_channels",
        )
    return found


def batches(context: PassContext, flow: Dataflow, blocks: int, samples: int, example: int) -> list[Feed]:
    """Return calibration rows in batches, as many as can be looked at in reasonable time.

    Args:
        context: Its calibration data are read.
        flow: Of the network, on an example of `example` rows.
        blocks: How many could be removed.
        samples: The most rows.
        example: Rows that the shapes and operations of `flow` belong to.

    Raises:
        PassFailed: There are none.
    """
    macs = max(1.0, sum(flow.macs.values()) / example)
    rows = int(min(samples, max(FEWEST_ROWS, WORK / (macs * max(1, blocks)))))
    largest = max(int(np.prod(shape)) for shape in flow.shapes.values()) / example
    size = int(min(LARGEST_BATCH, max(1, HELD_ELEMENTS / (largest * (blocks + 2)))))
    if not context.model.by_rows or context.model.fixed_batch is not None:
        size, rows = 1, -(-rows // (context.model.fixed_batch or 1))
    found = list(_joined(context.calibration(), rows, size))
    if not found:
        raise PassFailed("The calibration data holds no samples.", hint="Give more data, or none at all.")
    return found


def _joined(feeds: Iterator[Feed], rows: int, size: int) -> Iterator[Feed]:
    """Yield `rows` feeds in batches; where shapes change a new batch begins."""
    held: list[Feed] = []
    for feed in islice(feeds, rows):
        alike = held and all(feed[name].shape == array.shape for name, array in held[0].items())
        if held and (not alike or len(held) == size):
            yield _one(held)
            held = []
        held.append(feed)
    if held:
        yield _one(held)


def _one(feeds: Sequence[Feed]) -> Feed:
    if len(feeds) == 1:
        return feeds[0]
    return {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}


def gains(
    context: PassContext,
    blocks: Sequence[ResidualBlock],
    original: LocalArtifact,
    without: Callable[[Sequence[int]], LocalArtifact],
) -> list[float]:
    """Return the milliseconds that each block takes on the target.

    Blocks that look alike are left out together and share what that saves: single ones drown in noise.

    Args:
        context: With a target.
        blocks: All that could be removed.
        original: The network, in a format that the target opens.
        without: Returns the network without some blocks.

    Raises:
        RuntimeFailed: The target cannot run one of them.
    """
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at, block in enumerate(blocks):
        alike[block.stage, block.macs].append(at)
    kinds = list(alike.values())
    found = [0.0] * len(blocks)
    for start in range(0, len(kinds), TIMED_TOGETHER):
        some = kinds[start : start + TIMED_TOGETHER]
        times = rough_times([original, *map(without, some)], context)
        for members, time in zip(some, times[1:], strict=True):
            for at in members:
                found[at] = times[0].ms * (1 - time.ratio) / len(members)
    least = LEAST_GAIN * max(sum(found) / len(found), 1e-6)
    return [max(each, least) for each in found]


def names(weights: Sequence[Sequence[str]]) -> list[str]:
    """Return names for blocks out of those of their weights, such as ``layer3.2``.

    Blocks whose weights tell no name are counted.
    """
    common = [_module(each) for each in weights]
    inner = [
        sorted({name[len(root) + 1 if root else 0 :].split(".")[0] for name in each if "." in name})[:NAMED]
        for root, each in zip(common, weights, strict=True)
    ]
    told = [
        f"{root} ({', '.join(parts)})".strip() if common.count(root) > 1 and parts else root
        for root, parts in zip(common, inner, strict=True)
    ]
    return [name or f"block {at}" for at, name in enumerate(told, start=1)]


def _module(weights: Sequence[str]) -> str:
    """Return the module that all weights lie in."""
    modules = [name.split(".")[:-1] for name in weights if "." in name]
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*modules, strict=False))
    return ".".join(parts[0] for parts in shared)
