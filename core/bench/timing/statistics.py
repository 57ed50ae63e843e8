"""Bootstrap confidence intervals of latency ratios and medians, and percentiles with enough runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp, hypot, log, sqrt

import numpy as np

from core.bench.timing.between_process import STILL, Spread, unlike
from core.bench.timing.blocks import Block, Floats
from core.domain.measurement import Interval, Latency
from core.metrics.quantiles import student

RESAMPLES = 2000
# Fewer rounds than these give no bootstrap that could be trusted.
FEWEST_ROUNDS, FEW_ROUNDS_REACH = 8, 0.3
# Standard error of a median by that of a mean, of normal values.
MEDIAN_BY_MEAN = 1.2533
# The difference of two measurements has twice the variance of one.
REPETITION = sqrt(2)
CONFIDENCE = 0.99


def _bootstrap(data: Floats, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the median of `data` (n,).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    draws = np.random.default_rng(seed).integers(0, data.size, (RESAMPLES, data.size))
    low, high = np.quantile(np.median(data[draws], axis=1), (0.025, 0.975))
    return float(low), float(high)


def rounds_interval(starts: Sequence[Floats], *, seed: int = 0) -> Interval:
    """Return a ratio with what the rounds alone leave in doubt of it, without the spread between starts.

    The value is the geometric mean of the medians of the starts. The interval is the bootstrap of the rounds
    about the median of their own start. With fewer than 8 rounds in all it is Student's, and never narrower
    than ±30 % by the number of rounds: few rounds can agree by chance.

    Args:
        starts: Ratios of the rounds, one array per start.
        seed: Of the bootstrap.
    """
    logs = [np.log(start) for start in starts]
    middle = float(np.mean([np.median(each) for each in logs]))
    # A median takes one degree of freedom from the rounds it is the median of.
    rest = np.concatenate([(x - np.median(x)) * sqrt(x.size / max(1, x.size - 1)) for x in logs])
    if rest.size >= FEWEST_ROUNDS:
        low, high = _bootstrap(rest, seed)
        return Interval(exp(middle), exp(middle + min(low, 0.0)), exp(middle + max(high, 0.0)))
    freedom = max(1, rest.size - len(logs))
    reach = student(freedom) * MEDIAN_BY_MEAN * sqrt(float((rest**2).mean()) / rest.size)
    reach = max(reach, FEW_ROUNDS_REACH / rest.size)
    return Interval(exp(middle), exp(middle - reach), exp(middle + reach))


def start_intervals(starts: Sequence[Floats], *, seed: int = 0) -> tuple[Interval, ...]:
    """Return the median ratio of every start, with what its own rounds leave in doubt."""
    return _shares(starts, rounds_interval(starts, seed=seed)) if starts else ()


def _shares(starts: Sequence[Floats], whole: Interval) -> tuple[Interval, ...]:
    rounds, found = sum(start.size for start in starts), []
    for start in starts:
        middle, more = float(np.median(start)), sqrt(rounds / start.size)
        low, high = (whole.low / whole.value) ** more, (whole.high / whole.value) ** more
        found.append(Interval(middle, middle * low, middle * high))
    return tuple(found)


def ratio_interval(
    starts: Sequence[Floats], spread: Spread, moments: Spread = STILL, *, seed: int = 0
) -> Interval:
    """Return a ratio with its 95 % interval, given the ratio of every round of every process start.

    Where a process lies in memory stays as it is, so the rounds of one start tell nothing of the next. The
    interval therefore joins the variance of the rounds with that between starts, for which these starts and
    `spread` speak together (two starts alone would need Student's 12.7, which helps nobody), and with that
    between moments, of which there has been one.

    The interval is that of a repetition: the same measurement, made again with fresh processes, ends within
    it in 95 of 100 cases. It is wider by the square root of 2 than one for the true ratio alone.

    Source: Georges, Buytaert and Eeckhout, OOPSLA 2007, section 3; Kalibera and Jones, ISMM 2013.

    Args:
        starts: Ratios of the rounds, one array per start.
        spread: What was known of the spread between starts.
        moments: What is known of the spread between moments, for models as unlike as can be.
        seed: Of the bootstrap.
    """
    whole = rounds_interval(starts, seed=seed)
    between = spread.learned([_shares(starts, whole)]).reach(len(starts))
    return joined(whole, hypot(between, moments.reach(1) * unlike(whole.value)))


def joined(interval: Interval, reach: float) -> Interval:
    """Return the interval of a repetition, given what rounds leave in doubt and a further, independent doubt.

    Args:
        interval: What the rounds leave in doubt.
        reach: Half of the 95 % interval of the logarithm that everything else leaves in doubt.
    """
    down = REPETITION * hypot(log(interval.value / interval.low), reach)
    up = REPETITION * hypot(log(interval.high / interval.value), reach)
    return Interval(interval.value, interval.value * exp(-down), interval.value * exp(up))


def widened(interval: Interval, control: Interval) -> Interval:
    """Return a speed-up that claims no more than the control allows.

    The control is the baseline held against itself. Where its interval holds 1 nothing changes. Where it
    misses 1, the stopwatch was off by as much, in a direction that another pair need not share: both ends
    give way by that factor.

    Args:
        interval: Speed-up of a candidate.
        control: Speed-up of the baseline against itself in the same run.
    """
    if control.low <= 1 <= control.high:
        return interval
    factor = max(control.value, 1 / control.value)
    return Interval(interval.value, interval.low / factor, interval.high * factor)


def settled(interval: Interval, target: float) -> bool:
    """Whether `interval` lies within ±`target` of its value, relative to it."""
    reach = max(interval.high - interval.value, interval.value - interval.low)
    return reach <= target * abs(interval.value)


@cache
def runs_needed(percentile: float) -> int:
    """Return the runs that a latency percentile takes: 11, 64, 130 and 662 for p50, p90, p95 and p99.

    With that many runs the second-largest one is an upper bound of the percentile at 99 %: at most
    one of n runs lies above it with probability p^n + n (1 - p) p^(n-1). It is the bound by which MLPerf's
    load generator stops early with one query over the limit (loadgen/early_stopping.cc).

    Args:
        percentile: Between 0 and 1.
    """
    runs = 2
    while percentile**runs + runs * (1 - percentile) * percentile ** (runs - 1) > 1 - CONFIDENCE:
        runs += 1
    return runs


def latency(starts: Sequence[Sequence[Block]], spread: Spread, *, seed: int = 0) -> Latency:
    """Return what all calls say.

    The interval of the median rests on whole rounds, because the calls within one share what slows the
    machine, and on process starts, as in `ratio_interval`.

    Args:
        starts: For every process start, the blocks of its rounds.
        spread: What was known of the spread between starts.
        seed: Of the bootstrap.
    """
    blocks = [block for each in starts for block in each]
    calls = np.concatenate([block.took_ms for block in blocks])
    middle = float(np.median(np.concatenate([block.own_ms for block in blocks])))
    rounds = [np.array([block.middle_ms for block in each]) for each in starts]
    whole = ratio_interval(rounds, spread, seed=seed)
    return Latency(
        p50=middle,
        p90=_percentile(calls, 0.90),
        p95=_percentile(calls, 0.95),
        p99=_percentile(calls, 0.99),
        mean=float(calls.mean()),
        runs=calls.size,
        ci_low=min(whole.low, middle),
        ci_high=max(whole.high, middle),
    )


def _percentile(calls: Floats, percentile: float) -> float | None:
    return float(np.quantile(calls, percentile)) if calls.size >= runs_needed(percentile) else None
