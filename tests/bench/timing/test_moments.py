from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.bench.timing.between_process import moments
from core.bench.timing.drift import drift_corrected, with_own_batch
from core.bench.timing.final_heat import Heated
from core.bench.timing.moments import after_heat, against_each_other, known_spread, widened_timing
from core.bench.timing.statistics import ratio_interval, start_intervals
from core.domain.measurement import Doubt, Interval, Timing
from tests.factories import result

NOISE = 0.01


def _starts(generator: np.random.Generator, middle: float, between: float, count: int) -> list[np.ndarray]:
    shifts = generator.normal(0, between, count)
    return [np.exp(middle + shift + generator.normal(0, NOISE, 6)) for shift in shifts]


def _first(starts: list[np.ndarray], earlier: list[Timing]) -> Timing:
    """Return the timing that the stopwatch would make of `starts`."""
    speedup = ratio_interval(starts, known_spread(earlier), moments(0.0))
    timing = replace(
        result().timing,
        speedup=speedup,
        starts=len(starts),
        start_speedups=start_intervals(starts),
        rounds=12,
    )
    timing = with_own_batch(timing, 1)
    return drift_corrected(timing, earlier[0]) if earlier else timing


def _run(generator: np.random.Generator, truth: float, between: float, moment: float) -> list[Timing]:
    """Return the timings of a run: baseline, and a candidate that took part in the heat."""
    baseline = _first(_starts(generator, 0.0, between, 2), [])
    middles = np.log(truth) + generator.normal(0, moment, 2)
    candidate = _first(_starts(generator, middles[0], between, 1), [baseline])
    later = (_starts(generator, 0.0, between, 2), _starts(generator, middles[1], between, 2))
    return after_heat([baseline, candidate], [Heated(tuple(starts), 1) for starts in later])


@pytest.mark.parametrize(
    ("truth", "between", "moment"),
    [(5.0, 0.005, 0.0), (5.0, 0.01, 0.02), (5.0, 0.01, 0.03), (1.05, 0.01, 0.0)],
)
def test_the_interval_holds_the_truth_and_what_another_run_says(
    truth: float, between: float, moment: float
) -> None:
    generator = np.random.default_rng(2)
    found = [_run(generator, truth, between, moment)[1].speedup for _ in range(100)]
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.95
    assert np.mean([a.low <= b.value <= a.high for a, b in pairwise(found)]) >= 0.9


def test_two_that_are_alike_are_told_apart_in_spite_of_moments() -> None:
    generator = np.random.default_rng(3)
    found = [_run(generator, 1.045, 0.004, 0.0)[1].speedup for _ in range(40)]
    assert np.mean([each.low > 1 for each in found]) >= 0.95


def test_two_of_one_heat_are_told_apart_though_their_common_baseline_is_not_steady() -> None:
    generator = np.random.default_rng(5)
    base = [generator.normal(0, 0.1, 6) for _ in range(3)]

    def rounds(speed: float) -> tuple[np.ndarray, ...]:
        return tuple(np.exp(np.log(speed) + each + generator.normal(0, NOISE, 6)) for each in base)

    entries = [
        Heated(rounds(1.0), 1),
        Heated(rounds(12.0), 1),
        Heated(rounds(15.0), 1),
        Heated(rounds(12.0)[:2], 1),
        Heated((), 1),
    ]
    first = [
        _first([start], []) for start in (entries[0].starts[0], *(each.starts[0] for each in entries[1:4]))
    ]
    pairs = against_each_other(first, entries)
    assert pairs[0] == pairs[3] == pairs[4] == {}
    assert (set(pairs[1]), set(pairs[2])) == ({2}, {1})
    assert pairs[2][1].value == pytest.approx(1.25, rel=0.02)
    assert pairs[2][1].low > 1.1
    assert pairs[1][2].high == pytest.approx(1 / pairs[2][1].low, rel=0.02)
    alone = after_heat([*first, first[0]], entries)
    assert alone[1].speedup.high > alone[2].speedup.low


def test_moments_that_differ_widen_the_interval() -> None:
    baseline = _first([np.full(6, 1.0), np.full(6, 1.001)], [])
    candidate = _first([np.full(12, 5.0)], [baseline])

    def later(ratio: float) -> Timing:
        starts = (np.full(6, ratio), np.full(6, ratio * 1.001))
        control = Heated((np.full(6, 1.0), np.full(6, 1.001)), 1)
        return after_heat([baseline, candidate], [control, Heated(starts, 1)])[1]

    same, moved = later(5.0).speedup, later(4.0).speedup
    assert np.log(moved.high / moved.low) > 1.5 * np.log(same.high / same.low)
    assert 4.2 < moved.value < 4.8


def test_one_axis_stays_and_the_baseline_gets_a_better_control() -> None:
    baseline = _first([np.full(6, 1.0), np.full(6, 1.01)], [])
    candidate, other = (_first([np.full(12, ratio)], [baseline]) for ratio in (5.0, 2.0))
    found = [
        Heated((np.full(6, 1.0), np.full(6, 0.99)), 1),
        Heated((np.full(6, 4.8), np.full(6, 4.8)), 1),
        Heated((), 1),
    ]
    control, heated, left_out = after_heat([baseline, candidate, other], found)
    assert left_out == other
    assert (control.latency, control.moments, control.starts) == (baseline.latency, 2, 4)
    assert control.speedup.low < 1 < control.speedup.high
    assert (heated.moments, heated.starts, heated.rounds) == (2, 3, 24)
    assert heated.doubt is None
    assert heated.latency.p50 == pytest.approx(baseline.latency.p50 / heated.speedup.value)
    assert heated.latency.ci_low == pytest.approx(baseline.latency.p50 / heated.speedup.high)
    assert heated.throughput[1] == pytest.approx(1000 / heated.latency.p50)
    assert heated.throughput_gain[1] == heated.speedup
    assert heated.latency.p50 / heated.pace == pytest.approx(candidate.latency.p50 / candidate.pace)


def test_moments_that_contradict_each_other_are_an_unstable_point() -> None:
    baseline = _first([np.full(6, 1.0), np.full(6, 1.01)], [])
    candidate = _first([np.full(12, 5.0)], [baseline])
    found = [Heated((np.full(6, 1.0),), 1), Heated((np.full(6, 2.5), np.full(6, 2.5)), 1)]
    timing = after_heat([baseline, candidate], found)[1]
    assert timing.unstable
    assert timing.doubt is Doubt.WIDE


def test_a_result_of_old_takes_part_too() -> None:
    baseline = replace(result(1.0).timing, start_speedups=())
    old = drift_corrected(replace(result(3.0).timing, start_speedups=()), baseline)
    found = [Heated((np.full(6, 1.0),), 1), Heated((np.full(6, 3.0),), 1)]
    assert after_heat([baseline, old], found)[1].speedup.value == pytest.approx(3.0)


def test_a_control_that_misses_one_widens_all_that_is_claimed() -> None:
    baseline = _first([np.full(6, 1.0), np.full(6, 1.01)], [])
    timing = _first([np.full(12, 5.0)], [baseline])
    wider = widened_timing(timing, Interval(1.1, 1.05, 1.15), baseline)
    assert wider.speedup.low == pytest.approx(timing.speedup.low / 1.1)
    assert wider.latency.p50 == pytest.approx(timing.latency.p50)
    assert wider.latency.ci_high == pytest.approx(timing.latency.ci_high * 1.1)
    assert wider.throughput_interval[1].high == pytest.approx(timing.throughput_interval[1].high * 1.1)
    assert widened_timing(timing, Interval(1.01, 0.97, 1.05), baseline).speedup == timing.speedup


def test_the_moods_of_unlike_models_do_not_pass_for_the_luck_of_process_starts() -> None:
    baseline = _first([np.full(6, 1.0), np.full(6, 1.002)], [])
    candidate = _first([np.full(12, 5.0)], [baseline])
    control = Heated((np.full(6, 1.0), np.full(6, 1.001)), 1)
    moody = Heated((np.full(6, 4.0), np.full(6, 6.0)), 1)
    with_moods = after_heat([baseline, candidate], [control, moody])
    alone = after_heat([baseline], [control])
    assert with_moods[0].speedup.high == pytest.approx(alone[0].speedup.high, abs=1e-4)
    assert with_moods[1].speedup.high > 5.5
