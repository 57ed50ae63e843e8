"""Cluster-robust confidence intervals: images are independent, their pixels are not."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from core.domain.measurement import Interval
from core.metrics.quantiles import Z95, student

Floats = NDArray[np.float64]


def effective(values: Floats, places: int, variance: float) -> float:
    """Return how many independent predictions are worth as much as `values.size` samples of `places` each.

    It is the number of predictions by Kish's design effect: the variance that independent predictions would
    have, by the one seen between samples, with Student's correction for few samples. Source: Korn and
    Graubard, Survey Methodology 24 (1998) 193-201, who put it into the intervals of proportions.

    Args:
        values: Mean over the predictions of each sample (samples,).
        places: Predictions in each sample; with one there is nothing to correct.
        variance: Of a single prediction.

    Returns:
        At most all predictions; the samples, corrected, where all of them are alike.
    """
    samples = values.size
    if places == 1 or samples == 1:
        return float(samples)
    seen = float(values.var(ddof=1)) / samples
    number = min(max(variance / seen, samples), samples * places) if seen > 0 else samples
    return number * (Z95 / student(samples - 1)) ** 2


def ratio(parts: Floats, wholes: Floats) -> Interval:
    """Return the sum of `parts` by that of `wholes` with its 95 % interval, the sample as the unit.

    The error of a ratio of sums is that of its residuals, on the logarithm since it cannot fall below 0.
    Source: Cochran, Sampling Techniques, 3rd edition (1977), section 6.4.

    Args:
        parts: Of each sample (samples,), not negative.
        wholes: Of each sample (samples,), their sum above 0.
    """
    value, samples = float(parts.sum() / wholes.sum()), parts.size
    if value == 0.0:
        return Interval(0.0, 0.0, 0.0)
    if samples == 1:
        return Interval(value, 0.0, max(1.0, value))
    residuals = parts - value * wholes
    error = sqrt(samples / (samples - 1) * float((residuals**2).sum())) / float(wholes.sum())
    reach = min(student(samples - 1) * error / value, 700.0)
    return Interval(value, exp(log(value) - reach), exp(min(log(value) + reach, 700.0)))
