from __future__ import annotations

import random
from itertools import islice, pairwise, permutations

import numpy as np
import pytest

from core.bench.timing.between_process import Spread
from core.bench.timing.blocks import BLOCK_MS, Block, calls_of, settle_of
from core.bench.timing.interleaving import MeasurementPlan, Rounds, turns
from core.domain.measurement import Doubt


def seen(*ratios: list[float], plan: MeasurementPlan | None = None) -> Rounds:
    """Return rounds in which the baseline took 10 ms and each start showed these ratios."""
    rounds = Rounds(plan or MeasurementPlan(starts=1, close_starts=2), seed=0)
    for start in ratios:
        rounds.candidate.append([_block(10.0 / ratio) for ratio in start])
        rounds.baseline.append([_block(10.0)] * len(start))
    return rounds


def _block(ms: float) -> Block:
    return Block(np.full(3, ms), np.zeros(3))


@pytest.mark.parametrize(
    ("round_s", "limit"), [(0.07, 5.0), (0.5, 6.0), (1.0, 12.0), (2.6, 20.0), (60.0, 20.0)]
)
def test_the_time_grows_with_the_cost_of_a_call_up_to_a_cap(round_s: float, limit: float) -> None:
    assert MeasurementPlan(min_rounds=12, max_seconds=5.0).limit_s(round_s) == pytest.approx(limit)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 100.0])
def test_a_plan_that_is_cut_down_ends_in_time_whatever_a_call_costs(seconds: float) -> None:
    plan = MeasurementPlan(min_rounds=12, max_seconds=5.0).within(seconds)
    assert plan.limit_s(100.0) == pytest.approx(min(seconds, 20.0))
    assert plan.limit_s(0.01) <= 5.0


def test_a_long_call_is_a_block_by_itself_and_short_ones_fill_it() -> None:
    assert (calls_of(1000.0), settle_of(1000.0)) == (1, 0.0)
    assert calls_of(20.0) == 3
    assert calls_of(0.5) * 0.5 == pytest.approx(BLOCK_MS)
    assert settle_of(0.5) > 0


def test_too_few_rounds_and_a_wide_interval_are_two_doubts() -> None:
    noisy = np.exp(np.random.default_rng(0).normal(0, 0.3, 40))
    assert seen([0.87, 0.87, 0.87]).doubt is Doubt.FEW_ROUNDS
    assert seen(list(4 * noisy[:10])).doubt is Doubt.FEW_ROUNDS
    assert seen(list(4 * noisy)).doubt is Doubt.WIDE
    # Starts that contradict each other are no better, however steady each of them is.
    assert seen([1.0] * 10, [1.4] * 10).doubt is Doubt.WIDE


def test_rounds_of_long_calls_that_agree_are_enough() -> None:
    steady = list(np.exp(np.random.default_rng(0).normal(0, 0.005, 9)))
    assert seen(steady).doubt is None


def test_three_rounds_never_make_a_narrow_interval() -> None:
    found = seen([0.871, 0.872, 0.873]).speedup
    assert found.low < 0.8
    assert found.high > 0.95


@pytest.mark.parametrize(("ratio", "more"), [(1.0, True), (1.05, True), (0.95, True), (4.0, False)])
def test_another_pair_of_processes_is_started_where_its_luck_would_decide(ratio: float, more: bool) -> None:
    assert seen([ratio] * 12).want_more is more
    assert not seen([ratio] * 6, [ratio] * 6).want_more


def test_a_spread_that_the_run_has_shown_widens_what_one_start_says() -> None:
    calm, wild = (Rounds(MeasurementPlan(), 0, known) for known in (Spread(0.005, 8.0), Spread(0.05, 8.0)))
    for rounds in (calm, wild):
        rounds.candidate.append([_block(9.6)] * 12)
        rounds.baseline.append([_block(10.0)] * 12)
    assert calm.speedup.low > 1
    assert wild.speedup.low < 0.95


def test_each_side_comes_first_equally_often_and_at_random() -> None:
    drawn = list(islice(turns("abc", random.Random(0)), 400))
    assert all(one == other[::-1] for one, other in zip(drawn[::2], drawn[1::2], strict=True))
    assert {"".join(each) for each in drawn} == {"".join(each) for each in permutations("abc")}
    pairs = list(islice(turns("ab", random.Random(0)), 40))
    assert sum(each[0] == "a" for each in pairs) == 20


def test_a_busy_machine_leaves_more_in_doubt_of_unlike_models_but_not_of_equal_ones() -> None:
    def measured(ratio: float, lost_ms: float) -> Rounds:
        rounds = Rounds(MeasurementPlan(), 0, Spread(0.005, 8.0))
        for side, ms in ((rounds.candidate, 10.0 / ratio), (rounds.baseline, 10.0)):
            side.append([Block(np.full(3, ms + lost_ms), np.full(3, lost_ms))] * 12)
        return rounds

    calm, busy = (measured(5.0, lost) for lost in (0.0, 20.0))
    assert (calm.busy, busy.busy) == (0.0, pytest.approx(40 / 12))
    # A calm machine has moments, too: unlike models move by 5 % there, and by 11 % beside three programs.
    assert np.log(busy.speedup.high / busy.speedup.low) > 1.6 * np.log(calm.speedup.high / calm.speedup.low)
    assert measured(1.0, 20.0).speedup == measured(1.0, 0.0).speedup


def test_a_neighbour_that_is_there_for_a_part_of_the_rounds_is_seen_and_widens_in_proportion() -> None:
    def measured(disturbed: int) -> Rounds:
        rounds = Rounds(MeasurementPlan(), 0, Spread(0.005, 8.0))
        quiet, lost = np.zeros(3), np.full(3, 4.0)
        for side, ms in ((rounds.candidate, 2.0), (rounds.baseline, 10.0)):
            blocks = [Block(np.full(3, ms), quiet)] * (12 - disturbed)
            side.append(blocks + [Block(ms + lost, lost)] * disturbed)
        return rounds

    found = [measured(disturbed) for disturbed in (0, 3, 6, 12)]
    assert [each.busy for each in found] == pytest.approx([0.0, 1 / 6, 1 / 3, 2 / 3])
    widths = [each.speedup.high / each.speedup.low for each in found]
    assert widths == sorted(widths)
    assert all(one < other for one, other in pairwise(widths))
    assert all(each.speedup.value == pytest.approx(5.0) for each in found)
