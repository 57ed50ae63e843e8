"""Drift correction: times as if the machine had been as fast as when the baseline was first measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from core.domain.measurement import Interval, Latency, Timing

T = TypeVar("T")


def with_own_batch(timing: Timing, batch: int) -> Timing:
    """Return `timing` with the throughput at the target's `batch`, which its latency tells."""
    time = timing.latency
    rate = Interval(*(1000 * batch / each for each in (time.p50, time.ci_high, time.ci_low)))
    return replace(
        timing,
        throughput=_sorted({**timing.throughput, batch: rate.value}),
        throughput_interval=_sorted({**timing.throughput_interval, batch: rate}),
        throughput_gain=_sorted({**timing.throughput_gain, batch: timing.speedup}),
    )


def _sorted(by_batch: dict[int, T]) -> dict[int, T]:
    return dict(sorted(by_batch.items()))


def drift_corrected(timing: Timing, baseline: Timing) -> Timing:
    """Return `timing` as if the machine had been as fast as when the run first measured its baseline.

    A shared or a hot machine changes its speed between two measurements, so that times taken minutes apart
    cannot be compared; the ratio to the baseline, which ran in the same rounds, can. The median becomes the
    baseline's divided by the speed-up, with its interval, and the other times follow in proportion.
    Throughput becomes the baseline's times the gain over it.

    Args:
        timing: As `core.bench.timing.stopwatch.measure` took it.
        baseline: Of the run's baseline.
    """
    latency, speedup, baseline_ms = timing.latency, timing.speedup, baseline.latency.p50
    factor = baseline_ms / speedup.value / latency.p50
    rates = {batch: _rate(timing, baseline, batch, factor) for batch in timing.throughput}
    return replace(
        timing,
        latency=Latency(
            p50=baseline_ms / speedup.value,
            p90=_scaled(latency.p90, factor),
            p95=_scaled(latency.p95, factor),
            p99=_scaled(latency.p99, factor),
            mean=latency.mean * factor,
            runs=latency.runs,
            ci_low=baseline_ms / speedup.high,
            ci_high=baseline_ms / speedup.low,
        ),
        samples_ms=tuple(sample * factor for sample in timing.samples_ms),
        samples_lost_ms=tuple(sample * factor for sample in timing.samples_lost_ms),
        pace=factor * timing.pace,
        throughput={batch: rate.value for batch, rate in rates.items()},
        throughput_interval=rates,
    )


def _rate(timing: Timing, baseline: Timing, batch: int, factor: float) -> Interval:
    gain, theirs = timing.throughput_gain.get(batch), baseline.throughput.get(batch)
    if gain is None or theirs is None:
        rate = timing.throughput[batch]
        return _times(timing.throughput_interval.get(batch, Interval(rate, rate, rate)), 1 / factor)
    return _times(gain, theirs)


def _times(interval: Interval, factor: float) -> Interval:
    return Interval(interval.value * factor, interval.low * factor, interval.high * factor)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
