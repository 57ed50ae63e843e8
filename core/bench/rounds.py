"""Paired rounds: who runs when, for how long, and when it is enough."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic

import numpy as np

from core.bench.endpoint import Host
from core.bench.statistics import ratio_interval, settled
from core.domain.measurement import Interval

# Long enough for the clock, short enough for drift to hit both sides alike.
BLOCK_MS = 30.0
# The other process has had the caches, and its helper threads may still spin for a moment.
SETTLE_MS = 3.0
FEWEST_CALLS, MOST_CALLS = 3, 10_000
# Below this, where a process happens to lie in memory moves its times by about 1 % and more.
SHORT_CALL_MS = 0.1
FEWEST_ROUNDS_PER_START = 4
Blocks = list[list[float]]
OnBlock = Callable[[list[float]], None]


@dataclass(frozen=True)
class Plan:
    """How long and how exactly to measure.

    Attributes:
        min_rounds: Paired rounds before the interval may end the measurement.
        max_seconds: Time limit of the rounds and of further process starts; past it the point is unstable.
        target: Wanted half-width of the 95 % interval of the speed-up, as a fraction of it.
        throughput_batches: Batch sizes to try for the throughput; empty for none.
        throughput_seconds: Seconds per batch size.
        predict_seconds: Time limit for the evaluation set; what is there then is compared.
            None for none.
        predict_rows: Rows of the evaluation set to run at most, None for all.
        starts: Pairs of fresh processes over which calls shorter than 0.1 ms are spread, at least; 1 saves
            time and leaves the luck of one start out of the interval.
    """

    min_rounds: int = 12
    max_seconds: float = 20.0
    target: float = 0.03
    throughput_batches: tuple[int, ...] = (1, 8, 16, 32)
    throughput_seconds: float = 0.5
    predict_seconds: float | None = None
    predict_rows: int | None = None
    starts: int = 3


def untold(block: list[float]) -> None:
    """Tell nobody of a block of calls."""


class Rounds:
    """The rounds of one measurement, grouped by the pair of processes that ran them.

    Args:
        plan: How long and how exactly.
        seed: Of the order of turns and the bootstrap.
        on_block: Told the candidate's calls, in milliseconds, block by block; must return at once.

    Attributes:
        candidate: Blocks of call times in milliseconds, one list of blocks per start.
        baseline: The same of the baseline, round by round.
    """

    def __init__(self, plan: Plan, seed: int, on_block: OnBlock = untold) -> None:
        self.candidate: list[Blocks] = []
        self.baseline: list[Blocks] = []
        self._plan, self._seed, self._order = plan, seed, random.Random(seed)
        self._spent, self._several = 0.0, False
        self._on_block = on_block

    def run(
        self, host: Host, other: Host, ours_ms: float, theirs_ms: float, begin: float | None = None
    ) -> None:
        """Alternate blocks of a fresh pair, in random order within a round, as long as they are needed.

        Args:
            host: The candidate's process.
            other: The baseline's.
            ours_ms: One call of the candidate, roughly.
            theirs_ms: One call of the baseline, roughly.
            begin: When the clock of the time limit started, if loading counts too.

        Raises:
            WhetstoneError: A call failed, a process died, or Cancelled.
        """
        begin = (monotonic() if begin is None else begin) - self._spent
        if not self.candidate:
            self._several = self._plan.starts > 1 and min(ours_ms, theirs_ms) < SHORT_CALL_MS
        self.candidate.append([])
        self.baseline.append([])
        turns = [
            (host, _calls(ours_ms), self.candidate[-1]),
            (other, _calls(theirs_ms), self.baseline[-1]),
        ]
        while not self._start_done():
            self._order.shuffle(turns)
            for each, calls, blocks in turns:
                blocks.append(each.block(calls, SETTLE_MS))
            self._on_block(self.candidate[-1][-1])
            self._spent = monotonic() - begin

    @property
    def count(self) -> int:
        """Paired rounds so far."""
        return sum(map(len, self.candidate))

    @property
    def speedup(self) -> Interval:
        """Baseline time by candidate time."""
        pairs = zip(self.candidate, self.baseline, strict=True)
        ratios = [_medians(theirs) / _medians(ours) for ours, theirs in pairs]
        return ratio_interval(ratios, seed=self._seed)

    @property
    def want_more(self) -> bool:
        """Whether another pair of processes should be started."""
        return self._several and not self._settled() and self._spent < self._plan.max_seconds

    @property
    def unstable(self) -> bool:
        """Whether time ran out before the interval was narrow enough."""
        return not self._settled()

    def _settled(self) -> bool:
        starts = len(self.candidate) >= self._plan.starts if self._several else True
        return starts and self.count >= self._plan.min_rounds and settled(self.speedup, self._plan.target)

    def _start_done(self) -> bool:
        if not self.candidate[-1]:
            return False
        if self._spent > self._plan.max_seconds:
            return True
        if self._several:
            share = ceil(self._plan.min_rounds / self._plan.starts)
            return len(self.candidate[-1]) >= max(FEWEST_ROUNDS_PER_START, share)
        return self._settled()


def _calls(call_ms: float) -> int:
    return min(MOST_CALLS, max(FEWEST_CALLS, ceil(BLOCK_MS / max(call_ms, 1e-6))))


def _medians(blocks: Blocks) -> np.ndarray:
    return np.array([np.median(block) for block in blocks])
