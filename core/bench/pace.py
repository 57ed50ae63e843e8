"""One axis for all candidates of a run: times at the pace that the machine had for the baseline."""

from __future__ import annotations

from dataclasses import replace

from core.domain.measurement import Latency, Timing


def at_pace(timing: Timing, baseline_ms: float) -> Timing:
    """Return `timing` as if the machine had been as fast as when the baseline took `baseline_ms`.

    A shared or a hot machine changes its speed between two measurements, so that times taken minutes apart
    cannot be compared; the ratio to the baseline, which ran in the same rounds, can. The median becomes
    `baseline_ms` divided by the speed-up, with its interval, and the other times follow in proportion.

    Args:
        timing: As `core.bench.stopwatch.measure` took it.
        baseline_ms: Median of the baseline in the run's first measurement.
    """
    latency, speedup = timing.latency, timing.speedup
    pace = baseline_ms / speedup.value / latency.p50
    return replace(
        timing,
        latency=Latency(
            p50=latency.p50 * pace,
            p90=_scaled(latency.p90, pace),
            p95=_scaled(latency.p95, pace),
            p99=_scaled(latency.p99, pace),
            mean=latency.mean * pace,
            runs=latency.runs,
            ci_low=baseline_ms / speedup.high,
            ci_high=baseline_ms / speedup.low,
        ),
        samples_ms=tuple(sample * pace for sample in timing.samples_ms),
        pace=pace * timing.pace,
    )


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
