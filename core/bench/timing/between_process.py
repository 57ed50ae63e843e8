"""Between-process variance, and variance between moments of a machine: random effects beside the rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import log, sqrt

import numpy as np

from core.domain.measurement import Interval
from core.metrics.quantiles import Z95, student

# Measured between pairs of processes of one model, see docs/measurement.md; 41 more pairs differed by less.
USUAL_SD, USUAL_SHORT_SD, USUAL_FREEDOM = 0.015, 0.03, 5.0
# Below these, where a process happens to lie in memory may move its times by 1 % and by several percent.
SHORT_CALL_MS, VERY_SHORT_CALL_MS = 0.1, 0.02


@dataclass(frozen=True)
class Spread:
    """Between-group standard deviation of speed-ups, over pairs of processes or over moments.

    Attributes:
        sd: Standard deviation of their logarithms.
        freedom: Worth of what is known of it, in degrees of freedom.
    """

    sd: float
    freedom: float

    def learned(self, groups: Iterable[Sequence[Interval]]) -> Spread:
        """Return what is known after the starts of `groups`, one group per pair of models, were seen.

        The variances are pooled, each group about its own mean and less what its rounds alone explain:
        a scaled inverse chi-square prior, updated by the moment estimate of a random effect.

        Source: Gelman and others, Bayesian Data Analysis (3rd edition), section 2.6; DerSimonian and Laird,
        Controlled Clinical Trials 7 (1986) 177-188.
        """
        squares, freedom = 0.0, 0.0
        for starts in groups:
            if len(starts) > 1:
                logs = np.log([start.value for start in starts])
                noise = float(np.mean([error_of(start) ** 2 for start in starts]))
                squares += float(((logs - logs.mean()) ** 2).sum()) - (len(starts) - 1) * noise
                freedom += len(starts) - 1
        known = self.freedom + freedom
        return Spread(sqrt((self.freedom * self.sd**2 + max(0.0, squares)) / known), known)

    def reach(self, count: int) -> float:
        """Return half of the 95 % interval that the spread leaves to the mean of `count` logarithms."""
        return student(int(self.freedom)) * self.sd / sqrt(count)


# Between moments. Five networks with 20 candidates were measured again and again for 25 minutes: the ratio of
# unlike models had a standard deviation of 6 % without other programs on the cores (4 % but for outliers),
# and of 4 to 7 % beside one to four of them, about means up to 20 % apart; that of a model to its copy 1 %.
CALM_SD, BUSY_SD, MOST_BUSY, MOMENT_FREEDOM = 0.05, 0.02, 4.0, 5.0
# For times that are compared with nothing.
STILL = Spread(0.0, 1.0)


@cache
def usual(call_ms: float) -> Spread:
    """Return what is known of the spread before anything was measured, for calls of `call_ms`."""
    return Spread(USUAL_SHORT_SD if call_ms < VERY_SHORT_CALL_MS else USUAL_SD, USUAL_FREEDOM)


def moments(busy: float) -> Spread:
    """Return how far the ratio of two models as unlike as can be moves between moments, before any was seen.

    Args:
        busy: Time that other programs had on the timed cores by that of the calls. Each call after one of
            them finds colder caches, which hits a runtime of many small steps more than one of few.
    """
    return Spread(CALM_SD + BUSY_SD * min(busy, MOST_BUSY), MOMENT_FREEDOM)


def unlike(speedup: float) -> float:
    """Return how unlike two models are, from 0 for equal times to 1 where one takes twice the other's time.

    A busy memory bus slows one runtime more than another, so that the ratio of unlike models moves from one
    moment of a machine to the next. Models that take the same time are taken to move together.
    """
    return min(1.0, abs(log(speedup)) / log(2))


def error_of(interval: Interval) -> float:
    """Return the standard error of the logarithm that a 95 % interval stands for."""
    return log(interval.high / interval.low) / (2 * Z95)
