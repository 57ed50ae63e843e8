"""How sure a figure is: bootstrap intervals, percentiles with enough runs, paired proportions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil, comb, erfc, exp, hypot, log, sqrt

import numpy as np

from core.bench.blocks import Block, Floats
from core.bench.spread import STILL, Spread, student, unlike
from core.domain.measurement import Interval, Latency

Z95 = 1.959963984540054
RESAMPLES = 2000
# Fewer rounds than these give no bootstrap that could be trusted.
FEWEST_ROUNDS, FEW_ROUNDS_REACH = 8, 0.3
# Standard error of a median by that of a mean, of normal values.
MEDIAN_BY_MEAN = 1.2533
# The difference of two measurements has twice the variance of one.
REPETITION = sqrt(2)
CONFIDENCE = 0.99
MOST_EXACT = 1000
TOLERANCE = 1e-10


def _bootstrap(data: Floats, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the median of `data` (n,).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    draws = np.random.default_rng(seed).integers(0, data.size, (RESAMPLES, data.size))
    low, high = np.quantile(np.median(data[draws], axis=1), (0.025, 0.975))
    return float(low), float(high)


def rounds_interval(starts: Sequence[Floats], *, seed: int = 0) -> Interval:
    """Return a ratio with what the rounds alone leave in doubt of it, the luck of the starts aside.

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

    A start that is lucky with its memory layout stays lucky, so its rounds tell nothing of the next one. The
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
    luck = spread.learned([_shares(starts, whole)]).reach(len(starts))
    return joined(whole, hypot(luck, moments.reach(1) * unlike(whole.value)))


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

    The interval of the median rests on whole rounds, because calls within one share the machine's mood, and
    on process starts, as in `ratio_interval`.

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


def wilson(hits: float, samples: float) -> Interval:
    """Return a proportion with its 95 % score interval, which does not collapse at 0 or 1.

    Source: Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    share, z2 = hits / samples, Z95**2
    middle = (share + z2 / (2 * samples)) / (1 + z2 / samples)
    reach = Z95 / (1 + z2 / samples) * sqrt(share * (1 - share) / samples + z2 / (4 * samples**2))
    return Interval(share, min(share, max(0.0, middle - reach)), max(share, min(1.0, middle + reach)))


def paired_difference(lost: float, won: float, samples: float) -> Interval:
    """Return the drop (lost - won) / samples with Tango's 95 % score interval.

    The interval holds every drop d whose score test does not reject: it keeps its coverage with few or no
    flips, where resampling the samples would return an interval of no width.

    Source: Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17 (1998) 891-908, equations 9 to 11.

    Args:
        lost: Samples that only the baseline gets right.
        won: Samples that only the candidate gets right.
        samples: All paired samples, at least 1.
    """
    drop = (lost - won) / samples
    low = _boundary(lost, won, samples, drop, -1.0)
    high = _boundary(lost, won, samples, drop, 1.0)
    return Interval(drop, low, high)


def samples_to_settle(lost: float, won: float, samples: float, limit: float) -> int | None:
    """Return at how many samples in all the upper end of `paired_difference` comes down to `limit`.

    With the shares of flips as they are, the score of Tango's test at `limit` grows with the square root of
    the samples (equation 9), so the number at which it reaches 1.96 is known in closed form. Scaling the
    present half-width by that root instead would ask for several times too many samples where flips are
    rare: there the interval shrinks faster, because it is not symmetric.

    Args:
        lost: Samples that only the baseline gets right.
        won: Samples that only the candidate gets right.
        samples: All paired samples, at least 1.
        limit: Largest drop allowed, as a fraction.

    Returns:
        None where the observed drop is not below `limit`: then no number of samples helps.
    """
    score = _score(lost, won, samples, limit)
    return ceil(samples * (Z95 / score) ** 2) if score < 0 else None


def _boundary(lost: float, won: float, samples: float, inside: float, outside: float) -> float:
    """Return where |score| reaches 1.96 between the estimate and the end of the scale, by bisection."""
    while abs(outside - inside) > TOLERANCE:
        middle = (inside + outside) / 2
        if abs(_score(lost, won, samples, middle)) <= Z95:
            inside = middle
        else:
            outside = middle
    return inside


def _score(lost: float, won: float, samples: float, drop: float) -> float:
    linear = -lost - won + (2 * samples - lost + won) * drop
    constant = -won * drop * (1 - drop)
    root = max(linear**2 - 8 * samples * constant, 0.0)
    won_share = (sqrt(root) - linear) / (4 * samples)
    variance = samples * (2 * won_share + drop * (1 - drop))
    distance = lost - won - samples * drop
    if variance <= 0:
        return 0.0 if distance == 0 else float(np.copysign(np.inf, distance))
    return distance / sqrt(variance)


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p-value that flips in both directions are equally likely.

    Source: McNemar, Psychometrika 12 (1947) 153-157; the exact form is the binomial test of the flips. Above
    1,000 flips its normal approximation with continuity correction is the same to three digits, and ends.
    """
    flips, rarer = lost + won, min(lost, won)
    if flips > MOST_EXACT:
        return min(1.0, erfc(max(flips - 2 * rarer - 1, 0) / sqrt(2 * flips)))
    tail = sum(comb(flips, k) for k in range(rarer + 1))
    return min(1.0, float(2 * tail / 2**flips))
