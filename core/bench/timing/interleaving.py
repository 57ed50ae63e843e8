"""Interleaved paired rounds with a sequential stopping rule: order, time limit, and when it is enough."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from time import monotonic
from typing import TypeVar

import numpy as np

from core.bench.timing.between_process import SHORT_CALL_MS, Spread, moments, usual
from core.bench.timing.blocks import Blocks, Floats, busy, calls_of, ratios, settle_of
from core.bench.timing.endpoint import Host
from core.bench.timing.statistics import (
    FEWEST_ROUNDS,
    ratio_interval,
    rounds_interval,
    settled,
    start_intervals,
)
from core.domain.measurement import Doubt, Interval

FEWEST_ROUNDS_PER_START = 4
T = TypeVar("T")
OnBlock = Callable[[list[float]], None]
# Two whose times differ by less than this factor are told apart by more pairs of processes.
CLOSE = 1.15
# The whole interval, the spread of starts and moments included, may reach so far.
WIDEST = 0.25


@dataclass(frozen=True)
class MeasurementPlan:
    """Stopping rule of a measurement: rounds, time limit and wanted width of the confidence interval.

    Attributes:
        min_rounds: Paired rounds before the interval may end the measurement.
        max_seconds: Time limit of the rounds, loading not counted.
        target: Wanted half-width of the 95 % interval over rounds, as a fraction of the speed-up.
        throughput_batches: Batch sizes to try for the throughput; empty for none.
        throughput_seconds: Seconds per batch size.
        predict_seconds: Time limit for the evaluation set; what is there then is compared.
            None for none.
        predict_rows: Rows of the evaluation set to run at most, None for all.
        starts: Pairs of fresh processes over which the rounds are spread.
        close_starts: The same where the spread between starts decides: for calls shorter than 0.1 ms,
            and for two that are about equally fast, the control among them.
        heat_starts: The same in the final heat, which ends after `starts` where nobody in it is close.
        stretch: How many times `max_seconds` calls may take that are too long for `min_rounds` of them.
    """

    min_rounds: int = 12
    max_seconds: float = 20.0
    target: float = 0.03
    throughput_batches: tuple[int, ...] = (1, 8, 16, 32)
    throughput_seconds: float = 0.5
    predict_seconds: float | None = None
    predict_rows: int | None = None
    starts: int = 2
    close_starts: int = 3
    heat_starts: int = 3
    stretch: float = 4.0

    def within(self, seconds: float) -> MeasurementPlan:
        """Return the plan cut down to end its rounds after `seconds`, whatever a call costs."""
        limit = max(0.0, min(self.max_seconds, seconds))
        stretch = min(self.stretch, max(1.0, seconds / max(limit, 1e-9)))
        return replace(
            self,
            max_seconds=limit,
            stretch=stretch,
            throughput_seconds=min(self.throughput_seconds, seconds / 10),
        )

    def limit_s(self, round_s: float) -> float:
        """Return the time limit where a round takes `round_s`: the time grows with the cost of a call."""
        return min(self.stretch * self.max_seconds, max(self.max_seconds, self.min_rounds * round_s))


def unwatched(block: list[float]) -> None:
    """Tell nobody of a block of calls."""


class Rounds:
    """Interleaved rounds of one measurement, grouped by the pair of processes that ran them.

    Args:
        plan: When it is enough.
        seed: Of the order within rounds and of the bootstrap.
        known: What is known of the spread between starts; None for what is usual for such calls.
        on_block: Told the candidate's calls, in milliseconds, block by block; must return at once.

    Attributes:
        candidate: Blocks of calls, one list of blocks per start.
        baseline: The same of the baseline, round by round.
    """

    def __init__(
        self, plan: MeasurementPlan, seed: int, known: Spread | None = None, on_block: OnBlock = unwatched
    ) -> None:
        self.candidate: list[Blocks] = []
        self.baseline: list[Blocks] = []
        self._plan, self._seed, self._order = plan, seed, random.Random(seed)
        self._known, self._spent, self._short = known, 0.0, False
        self._on_block = on_block

    def run(self, host: Host, other: Host) -> None:
        """Alternate blocks of a fresh, opened pair, in random order, as long as they are needed.

        Args:
            host: The candidate's process.
            other: The baseline's.

        Raises:
            WhetstoneError: A call failed, a process died, or Cancelled.
        """
        ours_ms, theirs_ms = (each.open().call_ms for each in (host, other))
        if not self.candidate:
            self._short = min(ours_ms, theirs_ms) < SHORT_CALL_MS
            self._known = self._known or usual(min(ours_ms, theirs_ms))
        self.candidate.append([])
        self.baseline.append([])
        sides = [(host, ours_ms, self.candidate[-1]), (other, theirs_ms, self.baseline[-1])]
        begin, order = monotonic() - self._spent, turns(sides, self._order)
        while not self._start_done():
            run_round(next(order))
            self._on_block(self.candidate[-1][-1].own_ms.tolist())
            self._spent = monotonic() - begin

    @property
    def round_s(self) -> float:
        """Seconds that a round took by the clock, what other programs took of them included."""
        return self._spent / max(1, self.count)

    @property
    def count(self) -> int:
        """Paired rounds so far."""
        return sum(map(len, self.candidate))

    @property
    def starts(self) -> tuple[Interval, ...]:
        """The speed-up in every start by itself, with the interval over its rounds."""
        return start_intervals(self._ratios, seed=self._seed)

    @property
    def spread(self) -> Spread:
        """What is known of the spread between starts before these were seen."""
        return self._known or usual(1.0)

    @property
    def busy(self) -> float:
        """Time that other programs took from the calls by that of the calls themselves."""
        return busy(block for start in (*self.candidate, *self.baseline) for block in start)

    @property
    def moments(self) -> Spread:
        """What is known of the spread between moments, the machine being as busy as it was."""
        return moments(self.busy)

    @property
    def speedup(self) -> Interval:
        """Baseline time by candidate time."""
        return ratio_interval(self._ratios, self.spread, self.moments, seed=self._seed)

    @property
    def want_more(self) -> bool:
        """Whether another pair of processes should be started."""
        return len(self.candidate) < self._wanted_starts and self._spent < self._limit

    @property
    def doubt(self) -> Doubt | None:
        """Why the speed-up is not as sure as was wanted; None where it is."""
        sure = self._sure(self._ratios, 1)
        if self.count < (FEWEST_ROUNDS if sure else self._plan.min_rounds):
            return Doubt.FEW_ROUNDS
        return None if settled(self.speedup, WIDEST) else Doubt.WIDE

    @property
    def _ratios(self) -> list[Floats]:
        return [ratios(theirs, ours) for theirs, ours in zip(self.baseline, self.candidate, strict=True)]

    @property
    def _wanted_starts(self) -> int:
        near = self._short or close(self._ratios[0])
        return self._plan.close_starts if near else self._plan.starts

    @property
    def _limit(self) -> float:
        return self._plan.limit_s(self.round_s)

    def _sure(self, starts: Sequence[Floats], share: int) -> bool:
        """Whether the rounds, the spread of starts aside, are enough for one of `share` starts."""
        return settled(rounds_interval(starts, seed=self._seed), self._plan.target * sqrt(share))

    def _start_done(self) -> bool:
        rounds = len(self.candidate[-1])
        if not rounds:
            return False
        wanted = self._wanted_starts
        if self._spent > self._limit * len(self.candidate) / wanted:
            return True
        share = max(FEWEST_ROUNDS_PER_START, ceil(self._plan.min_rounds / wanted))
        return rounds >= share and self._sure(self._ratios[-1:], wanted)


def close(ratios: Floats) -> bool:
    """Return whether two models take so nearly the same time that the spread of starts decides, (rounds,)."""
    return 1 / CLOSE < float(np.median(ratios)) < CLOSE


Side = tuple[Host, float, Blocks]


def turns(sides: Sequence[T], order: random.Random) -> Iterator[list[T]]:
    """Yield the order of every round: one at random, then the same backwards, and so on.

    Whoever comes first in a round finds the caches colder; so it is each side's lot equally often.
    """
    while True:
        drawn = order.sample(sides, len(sides))
        yield drawn
        yield drawn[::-1]


def run_round(sides: Sequence[Side]) -> None:
    """Time one block of every side, in this order, each into its blocks.

    Args:
        sides: Process, milliseconds of one of its calls, and where its blocks go.

    Raises:
        WhetstoneError: A call failed, a process died, or Cancelled.
    """
    for host, call_ms, blocks in sides:
        blocks.append(host.block(calls_of(call_ms), settle_of(call_ms)))
