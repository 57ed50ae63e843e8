"""Rough latency of artifacts against each other, for a pass that chooses by it.

Figures that are reported come from `core.bench.timing`, which has processes of its own, pinned cores and
intervals. This is quick, in the building process: enough to tell which of several is faster by some percent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

import numpy as np

from core.errors import PassNotApplicable
from core.examples import example_feed
from core.protocols import LocalArtifact, PassContext
from core.registry import get_runtime

Call = Callable[[], object]

BLOCK_S = 0.015
"""Of one artifact, before the next one's turn: short, so that a disturbance hits all alike."""
FEWEST_ROUNDS, MOST_ROUNDS = 5, 200


@dataclass(frozen=True)
class RoughTime:
    """Rough latency of one artifact.

    Attributes:
        ms: Median of one call in milliseconds.
        ratio: Median over the rounds of its time by that of the first artifact in the same round.
        spread: Standard error of `ratio`, from the middle half of the rounds; 0 for the first artifact.
    """

    ms: float
    ratio: float
    spread: float


def rough_times(
    artifacts: Sequence[LocalArtifact], context: PassContext, seconds: float = 0.3
) -> list[RoughTime]:
    """Return the times of `artifacts` on the target of `context`, taken in interleaved rounds.

    All are held in memory at once, so compare a few at a time, with the one to beat first.

    Args:
        artifacts: At least one, in formats that the target's runtime opens.
        context: With a target, so of a pass that sets `measures`.
        seconds: For each artifact, warm-up not counted. A call that is longer than a fifth of it takes more.

    Raises:
        PassNotApplicable: There is no target.
        RuntimeFailed: The runtime cannot open or run one of them.
    """
    target = context.target
    if target is None:
        raise PassNotApplicable(
            "This technique measures on a runtime, and none was named.", hint="Run it as a step of a recipe."
        )
    runtime = get_runtime(target.runtime_id)
    feed = example_feed(context.model, target.batch, context.seed)
    with ExitStack() as stack:
        calls: list[Call] = []
        for artifact in artifacts:
            session = stack.enter_context(closing(runtime.open(artifact, target, context.model)))
            calls.append(session.prepare(feed))
        return _raced(calls, seconds)


def _raced(calls: Sequence[Call], seconds: float) -> list[RoughTime]:
    usual = [min(_once(call) for _ in range(3)) for call in calls]
    repeats = [max(1, int(BLOCK_S / max(each, 1e-7))) for each in usual]
    longest = max(count * each for count, each in zip(repeats, usual, strict=True))
    rounds = min(MOST_ROUNDS, max(FEWEST_ROUNDS, round(seconds / longest)))
    taken = np.array(
        [[_block(call, count) for call, count in zip(calls, repeats, strict=True)] for _ in range(rounds)]
    )
    ratios = taken / taken[:, :1]
    low, high = np.quantile(ratios, (0.25, 0.75), axis=0)
    # The standard error of a median is 1.25 times that of a mean; 1.35 deviations lie between the quarters.
    spread = 1.25 * (high - low) / 1.35 / np.sqrt(rounds)
    figures = zip(np.median(taken, axis=0), np.median(ratios, axis=0), spread, strict=True)
    return [RoughTime(1000 * float(each), float(ratio), float(error)) for each, ratio, error in figures]


def _block(call: Call, count: int) -> float:
    """Return the median seconds of `count` calls after one that warms the caches.

    Calls that the system interrupted for another program are left out where others remain.
    """
    call()
    taken, whole = np.empty(count), np.empty(count, bool)
    for index in range(count):
        before = getrusage(RUSAGE_SELF).ru_nivcsw
        taken[index] = _once(call)
        whole[index] = getrusage(RUSAGE_SELF).ru_nivcsw == before
    return float(np.median(taken[whole]) if whole.any() else taken.min())


def _once(call: Call) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began
