from __future__ import annotations

from dataclasses import replace

import pytest

from core.bench.pace import at_pace
from core.domain.measurement import Interval, Latency
from tests.factories import result


def test_what_was_timed_on_a_slow_moment_is_stated_at_the_pace_of_the_run() -> None:
    slow = replace(
        result().timing,
        latency=Latency(20.0, 30.0, None, None, 24.0, 100, 19.0, 22.0),
        baseline=Latency(160.0, None, None, None, 161.0, 12, 150.0, 170.0),
        speedup=Interval(8.0, 7.5, 8.5),
        samples_ms=(18.0, 20.0, 30.0),
    )
    timing = at_pace(slow, 80.0)
    assert timing.latency == Latency(10.0, 15.0, None, None, 12.0, 100, 80 / 8.5, 80 / 7.5)
    assert timing.samples_ms == (9.0, 10.0, 15.0)
    assert timing.pace == 0.5
    assert (timing.baseline, timing.speedup) == (slow.baseline, slow.speedup)


def test_the_order_of_latencies_is_the_order_of_speedups() -> None:
    early = replace(result().timing, latency=Latency(12.4, None, None, None, 12.4, 20, 12.0, 13.0))
    late = replace(result().timing, latency=Latency(18.9, None, None, None, 18.9, 20, 18.0, 20.0))
    early = at_pace(replace(early, speedup=Interval(7.1, 6.9, 7.5)), 88.0)
    late = at_pace(replace(late, speedup=Interval(8.0, 7.1, 8.6)), 88.0)
    assert early.latency.p50 == pytest.approx(88.0 / 7.1)
    assert late.latency.p50 < early.latency.p50
