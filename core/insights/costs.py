"""Cost per million inferences from an hourly price and measured throughput or latency."""

from __future__ import annotations

from enum import StrEnum

from core.domain.measurement import Interval, Timing
from core.insights.objectives import throughput

MILLION = 1_000_000
HOUR_S = 3600.0


class Basis(StrEnum):
    """What a machine is paid for."""

    THROUGHPUT = "throughput"
    """It is always busy, at the measured batch size with the most samples per second."""
    LATENCY = "latency"
    """It answers one call after another, at the batch size of the run."""


FORMULAS = {
    Basis.THROUGHPUT: "price per hour ÷ 3,600 s × 1,000,000 ÷ samples per second",
    Basis.LATENCY: "price per hour ÷ 3,600 s × 1,000,000 × median latency ÷ samples per call",
}


def cost_per_million(
    timing: Timing, batch: int, price_per_hour: float, basis: Basis = Basis.THROUGHPUT
) -> Interval | None:
    """Return what a million inferences cost, in the currency of the price, with its 95 % interval.

    The price is that of a machine with as many cores as were measured on: the figure holds for one copy of
    the model on these, always busy. None where there was no time to measure the throughput.

    Args:
        timing: Of the candidate.
        batch: Samples per call of the latency.
        price_per_hour: Of such a machine.
        basis: Whether it is filled with batches or answers single calls.
    """
    per_second = price_per_hour / HOUR_S * MILLION
    if basis is Basis.LATENCY:
        ms = timing.latency
        each = per_second / 1000 / max(batch, 1)
        return Interval(each * ms.p50, each * ms.ci_low, each * ms.ci_high)
    rate = throughput(timing)
    if rate.value <= 0:
        return None
    return Interval(per_second / rate.value, per_second / rate.high, per_second / rate.low)
