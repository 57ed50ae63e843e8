from __future__ import annotations

from itertools import pairwise
from math import comb, exp

import numpy as np
import pytest
from numpy.typing import ArrayLike

from core.bench.timing.between_process import Spread, error_of, usual
from core.bench.timing.blocks import Block, ratios
from core.bench.timing.statistics import (
    latency,
    ratio_interval,
    rounds_interval,
    runs_needed,
    settled,
    start_intervals,
    widened,
)
from core.domain.measurement import Interval
from tests.bench.coverage import coverage

STEADY = Spread(1e-6, 100.0)


def test_the_interval_of_a_median_holds_the_truth_as_often_as_it_says() -> None:
    def draw(generator: np.random.Generator) -> Interval:
        return rounds_interval([generator.lognormal(0, 0.05, 12)])

    assert 0.91 <= coverage(1.0, draw, 300) <= 0.995


@pytest.mark.parametrize(("between", "count"), [(0.0, 2), (0.01, 1), (0.01, 2), (0.02, 3)])
def test_an_interval_holds_the_truth_and_its_own_repetition(between: float, count: int) -> None:
    """Earlier pairs of the run have shown two starts each, as a run of a few candidates does."""
    generator = np.random.default_rng(1)

    def draw() -> Interval:
        earlier = [start_intervals(_starts(generator, between, 2, 6)) for _ in range(3)]
        known = usual(1.0).learned(earlier)
        return ratio_interval(_starts(generator, between, count, 12 // count), known)

    found = [draw() for _ in range(120)]
    assert np.mean([each.low <= 1 <= each.high for each in found]) >= 0.95
    assert np.mean([one.low <= other.value <= one.high for one, other in pairwise(found)]) >= 0.9


def test_rounds_alone_would_mislead_where_starts_differ() -> None:
    def draw(generator: np.random.Generator) -> Interval:
        return rounds_interval(_starts(generator, 0.02, 2, 6))

    assert coverage(1.0, draw, 100) < 0.5


def test_a_slow_down_of_a_twentieth_is_found_where_starts_hardly_differ() -> None:
    def draw(generator: np.random.Generator) -> Interval:
        slower = [start * 0.955 for start in _starts(generator, 0.003, 3, 6)]
        return ratio_interval(slower, usual(1.0))

    assert coverage(1.0, draw, 100) <= 0.02


def _starts(generator: np.random.Generator, between: float, count: int, rounds: int) -> list[np.ndarray]:
    return [np.exp(generator.normal(0, between) + generator.normal(0, 0.01, rounds)) for _ in range(count)]


@pytest.mark.parametrize("rounds", [1, 2, 3, 5, 7])
def test_few_rounds_that_agree_by_chance_leave_much_in_doubt(rounds: int) -> None:
    found = rounds_interval([np.full(rounds, 0.87)])
    assert found.low <= 0.87 * exp(-0.3 / rounds) * 1.0001
    assert found.high >= 0.87 * exp(0.3 / rounds) * 0.9999


@pytest.mark.parametrize("rounds", [2, 3, 5, 7])
def test_an_interval_of_few_noisy_rounds_holds_the_truth(rounds: int) -> None:
    def draw(generator: np.random.Generator) -> Interval:
        return rounds_interval([np.exp(generator.normal(0, 0.2, rounds))])

    assert coverage(1.0, draw, 500) >= 0.94


def test_a_start_with_fewer_rounds_is_less_sure_by_itself() -> None:
    generator = np.random.default_rng(0)
    few, many = start_intervals([np.exp(generator.normal(0, 0.02, n)) for n in (5, 20)])
    assert error_of(few) == pytest.approx(2 * error_of(many))


def test_a_control_that_holds_one_changes_nothing_and_one_that_misses_it_widens() -> None:
    speedup = Interval(2.0, 1.9, 2.1)
    assert widened(speedup, Interval(1.01, 0.99, 1.03)) == speedup
    for control in (Interval(1.07, 1.06, 1.08), Interval(1 / 1.07, 0.92, 0.95)):
        found = widened(speedup, control)
        assert found.value == 2.0
        assert (found.low, found.high) == pytest.approx((1.9 / 1.07, 2.1 * 1.07))


def test_an_interval_is_settled_within_the_target_on_both_sides() -> None:
    assert settled(Interval(2.0, 1.95, 2.05), 0.03)
    assert not settled(Interval(2.0, 1.99, 2.07), 0.03)
    assert not settled(Interval(2.0, 1.93, 2.01), 0.03)


@pytest.mark.parametrize(("percentile", "runs"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662)])
def test_runs_needed_are_the_fewest_that_bound_the_percentile(percentile: float, runs: int) -> None:
    def at_most_one_above(count: int) -> float:
        return sum(comb(count, k) * (1 - percentile) ** k * percentile ** (count - k) for k in (0, 1))

    assert runs_needed(percentile) == runs
    assert at_most_one_above(runs) <= 0.01 < at_most_one_above(runs - 1)


def _block(took_ms: ArrayLike, lost_ms: ArrayLike = 0.0) -> Block:
    took = np.asarray(took_ms, dtype=np.float64)
    return Block(took, np.broadcast_to(lost_ms, took.shape))


def test_percentiles_appear_with_enough_runs_only() -> None:
    few, some, many = (latency([[_block(np.arange(1.0, count + 1))]], STEADY) for count in (63, 64, 700))
    assert few.p90 is None
    assert some.p90 == pytest.approx(57.7)
    assert some.p95 is None
    assert many.p99 == pytest.approx(693.01)
    assert (many.p50, many.mean, many.runs) == (350.5, 350.5, 700)


def test_the_median_is_the_call_s_own_time_and_the_tail_what_the_caller_waits() -> None:
    disturbed = np.arange(100) % 5 == 0
    found = latency([[_block(np.where(disturbed, 50.0, 10.0), np.where(disturbed, 39.0, 0.0))]], STEADY)
    assert found.p50 == 10.0
    assert found.p90 == 50.0
    assert found.mean == pytest.approx(18.0)


def test_a_neighbour_that_hits_every_long_call_and_few_short_ones_moves_no_ratio() -> None:
    long = _block([100.0 + 40, 100.0 + 40, 100.0 + 40], 40.0)
    short = _block(
        np.where(np.arange(300) % 100 == 0, 41.0, 1.0), np.where(np.arange(300) % 100 == 0, 40.0, 0)
    )
    np.testing.assert_allclose(ratios([long], [short]), [100.0])


def test_a_call_of_which_coarse_clocks_leave_nothing_counts_whole() -> None:
    lost = _block([0.01, 0.01, 0.02], [0.01, 0.01, 0.02])
    assert lost.own_ms.tolist() == [0.01, 0.01, 0.02]
    np.testing.assert_allclose(ratios([lost], [lost]), [1.0])


def test_cold_calls_after_another_program_move_the_ratio_of_long_and_short_calls_hardly() -> None:
    """A long call of a block follows a switch more often than not, a short one hardly ever."""
    calls = np.arange(15)
    long = _block(np.where(calls % 4 == 3, 2.0, 2.6 + 0.02 * calls))
    short = _block(np.where(np.arange(150) % 10 == 0, 0.4, 0.2))
    np.testing.assert_allclose(ratios([long], [short]), [10.0], rtol=0.05)


def test_the_interval_of_p50_knows_that_rounds_and_starts_differ() -> None:
    generator = np.random.default_rng(1)
    calm = [_block(10.0 + generator.normal(0, 0.01, 50)) for _ in range(12)]
    drifting = [
        _block(block.took_ms + slower) for block, slower in zip(calm, generator.normal(0, 1, 12), strict=True)
    ]
    steady, uneven, spread = (
        latency([calm], STEADY),
        latency([drifting], STEADY),
        latency([calm], usual(10.0)),
    )
    assert steady.ci_low <= steady.p50 <= steady.ci_high
    assert steady.ci_high - steady.ci_low < 0.02
    assert uneven.ci_high - uneven.ci_low > 0.3
    assert spread.ci_high - spread.ci_low > 0.3
