"""Random-effects pooling of a candidate's two measurements: the first and the final heat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, hypot, log, sqrt

import numpy as np

from core.bench.timing.between_process import MOMENT_FREEDOM, Spread, error_of, moments, unlike, usual
from core.bench.timing.drift import drift_corrected
from core.bench.timing.final_heat import Heated
from core.bench.timing.interleaving import CLOSE, WIDEST
from core.bench.timing.statistics import (
    FEWEST_ROUNDS,
    REPETITION,
    ratio_interval,
    settled,
    start_intervals,
    widened,
)
from core.domain.measurement import Doubt, Interval, Timing
from core.metrics.quantiles import Z95

# Two that take about the same time say little of how far unlike ones move.
LEAST_SD = 0.03


@dataclass(frozen=True)
class _Moment:
    """Logarithm of the speed-up at one moment.

    Attributes:
        middle: Mean over starts.
        error: What the rounds leave in doubt of it, as a standard error.
        starts: How many there were.
        sd: How far it lies from that of another moment, before the two were compared.
    """

    middle: float
    error: float
    starts: int
    sd: float

    @classmethod
    def of(cls, starts: Sequence[Interval], busy: float) -> _Moment:
        logs, errors = [log(each.value) for each in starts], [error_of(each) for each in starts]
        middle = float(np.mean(logs))
        sd = moments(busy).sd * unlike(exp(middle))
        return cls(middle, hypot(*errors) / len(starts), len(starts), sd)


def known_spread(timings: Iterable[Timing]) -> Spread:
    """Return what the measurements of a run so far tell of the spread between process starts.

    Only pairs of about the same speed tell it, the control among them: to others a start is a moment too.
    """
    timings = list(timings)
    shortest = min((timing.latency.p50 for timing in timings), default=1.0)
    return usual(shortest).learned(timing.start_speedups for timing in timings if _alike(timing))


def after_heat(first: Sequence[Timing], found: Sequence[Heated]) -> list[Timing]:
    """Return the timings of baseline and candidates with the final heat taken into account.

    Speed-up and interval rest on both moments and all starts, and on how far the machine moved between the
    two, for which all entries speak together. Latency and throughput follow on the axis of the run. Of the
    baseline only the control changes. An entry without starts in the heat is returned as it is.

    The result is not widened by the control yet: its second moment belongs to it. Store
    ``widened_timing(timing, timings[0].speedup, timings[0])`` of each candidate.

    Args:
        first: Stored timings, the baseline's first.
        found: What `core.bench.timing.final_heat.heat` returned for the same entries.
    """
    seen = [start_intervals(each.starts) for each in found]
    pairs_of_starts = zip(first, seen, strict=True)
    starts = known_spread(first).learned(later for timing, later in pairs_of_starts if _alike(timing))
    pairs = [
        (_Moment.of(_starts(timing), timing.busy), _Moment.of(later, heated.busy)) if later else None
        for timing, later, heated in zip(first, seen, found, strict=True)
    ]
    scale = _scale([pair for pair in pairs[1:] if pair], starts)
    merged = [
        _merged(timing, later, heated, _joined(*pair, _own(timing, later, starts), scale)) if pair else timing
        for timing, later, heated, pair in zip(first, seen, found, pairs, strict=True)
    ]
    # The baseline's own latency is the axis that all others stand on.
    return [merged[0], *(drift_corrected(timing, first[0]) for timing in merged[1:])]


def against_each_other(first: Sequence[Timing], found: Sequence[Heated]) -> list[dict[int, Interval]]:
    """Return the speed-up of each entry over each other one that the heat timed in the same rounds.

    The ratio of two candidates holds less doubt than their speed-ups over the baseline: they are more alike
    than either is to it, and its own variance between process starts cancels.

    Args:
        first: Stored timings, the baseline's first.
        found: What `core.bench.timing.final_heat.heat` returned for the same entries.

    Returns:
        For each entry the intervals by the position of the other one; none with the baseline.
    """
    spread = known_spread(first)

    def ratio(one: Heated, other: Heated) -> Interval:
        rounds = [ours / theirs for ours, theirs in zip(one.starts, other.starts, strict=True)]
        return ratio_interval(rounds, spread, moments(max(one.busy, other.busy)))

    return [
        {
            at: ratio(one, other)
            for at, other in enumerate(found)
            if other is not one and one is not found[0] and at > 0 and _same_rounds(one, other)
        }
        for one in found
    ]


def _same_rounds(one: Heated, other: Heated) -> bool:
    return bool(one.starts) and [each.size for each in one.starts] == [each.size for each in other.starts]


def widened_timing(timing: Timing, control: Interval, baseline: Timing) -> Timing:
    """Return a candidate's timing widened by what the control misses 1 by, see `statistics.widened`.

    Args:
        timing: Of the candidate, at the pace of the run.
        control: Speed-up of the baseline against itself.
        baseline: Of the run's baseline.
    """
    gains = {batch: widened(gain, control) for batch, gain in timing.throughput_gain.items()}
    wider = replace(timing, speedup=widened(timing.speedup, control), throughput_gain=gains)
    return drift_corrected(wider, baseline)


def _merged(timing: Timing, seen: tuple[Interval, ...], heated: Heated, speedup: Interval) -> Timing:
    all_starts = (*_starts(timing), *seen)
    rounds = timing.rounds + sum(each.size for each in heated.starts)
    doubt = None if settled(speedup, WIDEST) else Doubt.WIDE
    doubt = Doubt.FEW_ROUNDS if rounds < FEWEST_ROUNDS else doubt
    gains = {**timing.throughput_gain, heated.batch: speedup} if timing.throughput_gain else {}
    return replace(
        timing,
        speedup=speedup,
        rounds=rounds,
        unstable=doubt is not None,
        doubt=doubt,
        starts=len(all_starts),
        start_speedups=all_starts,
        moments=timing.moments + 1,
        busy=max(timing.busy, heated.busy),
        throughput_gain=gains,
    )


def _alike(timing: Timing) -> bool:
    return 1 / CLOSE < timing.speedup.value < CLOSE


def _own(timing: Timing, later: tuple[Interval, ...], starts: Spread) -> Spread:
    """Return `starts` with what this pair shows by itself, where it is not part of it already."""
    return starts if _alike(timing) else starts.learned((timing.start_speedups, later))


def _starts(timing: Timing) -> tuple[Interval, ...]:
    """Return the speed-up of every start; results of old have one for all."""
    return timing.start_speedups or (timing.speedup,)


def _joined(one: _Moment, two: _Moment, starts: Spread, scale: float) -> Interval:
    """Return the speed-up over two moments, each weighted by how little it leaves in doubt.

    Source: the moment is a random effect, as the studies of DerSimonian and Laird, Controlled Clinical
    Trials 7 (1986) 177-188.
    """
    doubts = [each.error**2 + starts.sd**2 / each.starts + (scale * each.sd) ** 2 for each in (one, two)]
    share = (1 / doubts[0]) / sum(1 / doubt for doubt in doubts)
    squares = 0.0
    for each, weight in ((one, share), (two, 1 - share)):
        moved = Spread(scale * each.sd, MOMENT_FREEDOM + 1).reach(1)
        squares += weight**2 * ((Z95 * each.error) ** 2 + starts.reach(each.starts) ** 2 + moved**2)
    middle, reach = share * one.middle + (1 - share) * two.middle, REPETITION * sqrt(squares)
    return Interval(exp(middle), exp(middle - reach), exp(middle + reach))


def _scale(pairs: Sequence[tuple[_Moment, _Moment]], starts: Spread) -> float:
    """Return by what factor the moments of this run lie further apart, or less far, than was expected.

    The candidates share the baseline and what slows it, so all of them together tell hardly more than one.
    """
    seen = [_moved(one, two, starts) for one, two in pairs if one.sd + two.sd > LEAST_SD]
    if not seen:
        return 1.0
    return sqrt((MOMENT_FREEDOM + float(np.mean(seen))) / (MOMENT_FREEDOM + 1))


def _moved(one: _Moment, two: _Moment, starts: Spread) -> float:
    """Return the squared distance of two moments, less what rounds and starts explain, by that expected."""
    noise = sum(each.error**2 + starts.sd**2 / each.starts for each in (one, two))
    return max(0.0, (one.middle - two.middle) ** 2 - noise) / (one.sd**2 + two.sd**2)
