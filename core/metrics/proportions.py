"""Confidence intervals of proportions: Wilson score, paired difference, and McNemar's test."""

from __future__ import annotations

from math import ceil, comb, erfc, sqrt

import numpy as np

from core.domain.measurement import Interval
from core.metrics.quantiles import Z95

MOST_EXACT = 1000
TOLERANCE = 1e-10


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
