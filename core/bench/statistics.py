"""How sure a figure is: bootstrap intervals, percentiles with enough runs, paired proportions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil, comb, exp, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.domain.measurement import Interval, Latency

Z95 = 1.959963984540054
RESAMPLES = 2000
# The 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom.
STUDENT = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)
KEPT_PER_ROUND = 25
CONFIDENCE = 0.99
TOLERANCE = 1e-10
Floats = NDArray[np.float64]


def bootstrap_median(values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the median of `values` (n,) with its 95 % percentile bootstrap interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    data = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, data.size, (resamples, data.size))
    low, high = np.quantile(np.median(data[draws], axis=1), (0.025, 0.975))
    return Interval(float(np.median(data)), float(low), float(high))


def ratio_interval(starts: Sequence[Floats], *, seed: int = 0) -> Interval:
    """Return a ratio with its 95 % interval, given the ratio of every round of every process start.

    With one start: median and bootstrap over rounds. With several: the geometric mean of the starts'
    medians and Student's interval on their logarithms, because a start that is lucky with its memory layout
    stays lucky, so the rounds within it tell nothing of the next. Few starts can agree by chance, so the
    interval is never narrower than what the rounds alone say.

    Source: Georges, Buytaert and Eeckhout, OOPSLA 2007, section 3; Kalibera and Jones, ISMM 2013.

    Args:
        starts: Ratios of the rounds, one sequence per start.
        seed: Of the bootstrap.
    """
    if len(starts) == 1:
        return bootstrap_median(starts[0], seed=seed)
    logs = np.log([np.median(start) for start in starts])
    reach = student(len(logs) - 1) * float(logs.std(ddof=1)) / sqrt(len(logs))
    middle, rounds = float(logs.mean()), bootstrap_median(np.concatenate(starts), seed=seed)
    return Interval(exp(middle), min(exp(middle - reach), rounds.low), max(exp(middle + reach), rounds.high))


@cache
def student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t."""
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    # Cornish-Fisher expansion; right to 0.001 from here on.
    return Z95 + (Z95**3 + Z95) / (4 * freedom) + (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / (96 * freedom**2)


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


def latency(starts: Sequence[Sequence[ArrayLike]], *, seed: int = 0) -> Latency:
    """Return what all calls, in milliseconds, say.

    The interval of the median resamples whole rounds, because calls within one share the machine's mood;
    over several process starts it is Student's, as in `ratio_interval`.

    Args:
        starts: For every process start, one sequence of call times per round.
        seed: Of the bootstrap.
    """
    groups = [[np.asarray(block, dtype=np.float64) for block in blocks] for blocks in starts]
    calls = np.concatenate([block for blocks in groups for block in blocks])
    if len(groups) == 1:
        low, high = _round_interval(groups[0], seed)
    else:
        whole = ratio_interval([np.array([np.median(block) for block in blocks]) for blocks in groups])
        low, high = whole.low, whole.high
    middle = float(np.median(calls))
    return Latency(
        p50=middle,
        p90=_percentile(calls, 0.90),
        p95=_percentile(calls, 0.95),
        p99=_percentile(calls, 0.99),
        mean=float(calls.mean()),
        runs=calls.size,
        ci_low=min(low, middle),
        ci_high=max(high, middle),
    )


def _round_interval(blocks: list[Floats], seed: int) -> tuple[float, float]:
    # Evenly spaced order statistics stand for a round: the resampled median needs no more of them.
    places = (np.arange(KEPT_PER_ROUND) + 0.5) / KEPT_PER_ROUND
    kept = np.stack([np.quantile(block, places) for block in blocks])
    draws = np.random.default_rng(seed).integers(0, len(kept), (RESAMPLES, len(kept)))
    low, high = np.quantile(np.median(kept[draws].reshape(RESAMPLES, -1), axis=1), (0.025, 0.975))
    return float(low), float(high)


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

    Source: McNemar, Psychometrika 12 (1947) 153-157; the exact form is the binomial test of the flips.
    """
    flips, rarer = lost + won, min(lost, won)
    tail = sum(comb(flips, k) for k in range(rarer + 1))
    return min(1.0, float(2 * tail / 2**flips))
