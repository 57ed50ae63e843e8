from __future__ import annotations

from dataclasses import replace

import pytest

from core.bench.timing.drift import drift_corrected, with_own_batch
from core.domain.measurement import Interval, Latency, Timing
from tests.factories import result


def of(ms: float) -> Timing:
    """Return a baseline of `ms` a call."""
    timing = result().timing
    return with_own_batch(replace(timing, latency=Latency(ms, None, None, None, ms, 30, ms, ms)), 1)


def test_what_was_timed_on_a_slow_moment_is_stated_at_the_pace_of_the_run() -> None:
    slow = replace(
        result().timing,
        latency=Latency(20.0, 30.0, None, None, 24.0, 100, 19.0, 22.0),
        baseline=Latency(160.0, None, None, None, 161.0, 12, 150.0, 170.0),
        speedup=Interval(8.0, 7.5, 8.5),
        samples_ms=(18.0, 20.0, 30.0),
    )
    timing = drift_corrected(slow, of(80.0))
    assert timing.latency == Latency(10.0, 15.0, None, None, 12.0, 100, 80 / 8.5, 80 / 7.5)
    assert timing.samples_ms == (9.0, 10.0, 15.0)
    assert timing.pace == 0.5
    assert (timing.baseline, timing.speedup) == (slow.baseline, slow.speedup)


def test_the_order_of_latencies_is_the_order_of_speedups() -> None:
    early = replace(result().timing, latency=Latency(12.4, None, None, None, 12.4, 20, 12.0, 13.0))
    late = replace(result().timing, latency=Latency(18.9, None, None, None, 18.9, 20, 18.0, 20.0))
    early = drift_corrected(replace(early, speedup=Interval(7.1, 6.9, 7.5)), of(88.0))
    late = drift_corrected(replace(late, speedup=Interval(8.0, 7.1, 8.6)), of(88.0))
    assert early.latency.p50 == pytest.approx(88.0 / 7.1)
    assert late.latency.p50 < early.latency.p50


def test_throughput_at_the_batch_of_the_latency_never_contradicts_it() -> None:
    timing = with_own_batch(replace(result().timing, throughput={8: 900.0}), 4)
    assert list(timing.throughput) == [4, 8]
    assert timing.throughput[4] == pytest.approx(4000 / timing.latency.p50)
    paced = drift_corrected(timing, with_own_batch(of(15.0), 4))
    assert paced.throughput[4] == pytest.approx(4000 / paced.latency.p50)
    low, high = 4000 / paced.latency.ci_high, 4000 / paced.latency.ci_low
    interval = paced.throughput_interval[4]
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert paced.throughput_gain[4] == timing.speedup


def test_throughput_stands_on_the_axis_of_the_run_as_latency_does() -> None:
    gain = {8: Interval(3.0, 2.7, 3.3)}
    timed = replace(result().timing, throughput={8: 900.0, 16: 1000.0}, throughput_gain=gain)
    paced = drift_corrected(timed, replace(of(15.0), throughput={8: 200.0}))
    assert paced.throughput_interval[8] == Interval(600.0, pytest.approx(540.0), pytest.approx(660.0))
    # The baseline refused 16: what is left is the clock's figure at the pace of the latency.
    assert paced.throughput[16] == pytest.approx(1000.0 / paced.pace)
