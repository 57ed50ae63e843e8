from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.measurement import Interval
from core.insights.costs import Basis, cost_per_million
from tests.factories import result


def test_a_busy_machine_of_36_an_hour_at_100_samples_a_second_costs_100_a_million() -> None:
    timing = replace(
        result().timing, throughput={1: 50.0, 8: 100.0}, throughput_interval={8: Interval(100.0, 80.0, 125.0)}
    )
    found = cost_per_million(timing, 1, 36.0)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((100.0, 80.0, 125.0))


def test_calls_one_after_another_cost_their_latency_shared_by_the_batch() -> None:
    timing = result(speed=2.0).timing  # 5 ms a call
    found = cost_per_million(timing, 5, 3.6, Basis.LATENCY)
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert found.low < 1.0 < found.high


def test_without_a_measured_throughput_there_is_no_cost_of_it() -> None:
    timing = replace(result().timing, throughput={}, throughput_interval={})
    assert cost_per_million(timing, 1, 1.0) is None
