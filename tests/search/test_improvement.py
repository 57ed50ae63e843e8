from __future__ import annotations

import numpy as np
import pytest

from core.search.factors import Expected
from core.search.improvement import Bar, Fastest, chances, expected_improvement, hypervolume

MEASURED = Fastest(np.array([1.0]), np.array([1.0]))


def test_the_hypervolume_is_the_area_below_the_staircase() -> None:
    assert hypervolume([], 2.0) == 0.0
    assert hypervolume([(1.0, 0.5)], 2.0) == pytest.approx(1.5)
    assert hypervolume([(1.0, 0.5), (0.9, 0.7), (3.0, 1.0)], 2.0) == pytest.approx(0.5 + 3.0)
    assert hypervolume([(1.0, -0.3), (9.0, 2.5)], 2.0) == pytest.approx(2.0)


def test_a_point_without_doubt_improves_by_what_it_adds() -> None:
    def improvement(gain: float, loss: float, least: float = 0.0) -> float:
        zero = np.zeros(1)
        sure = Expected(np.array([gain]), zero, np.array([loss]), zero)
        return float(expected_improvement(sure, [(1.0, 0.5)], [MEASURED], Bar(1.0, least), 2.0)[0])

    assert improvement(1.0, 0.5) == 0.0
    assert improvement(0.8, 0.0) == pytest.approx(0.8 * 0.5 / 2)
    assert improvement(2.0, 0.5) == pytest.approx(1.5 / 2 + 1.0)
    assert improvement(2.0, 1.5) == pytest.approx(0.5 / 2)
    assert improvement(2.0, 0.5, least=3.0) == pytest.approx(1.5 / 2)


def test_doubt_makes_what_looks_equal_worth_a_try() -> None:
    gain, loss = np.array([1.0, 1.0]), np.array([0.5, 0.5])
    unsure = Expected(gain, np.array([0.0, 0.3]), loss, np.array([0.0, 0.3]))
    sure, doubtful = expected_improvement(unsure, [(1.0, 0.5)], [MEASURED] * 2, Bar(1.0), 2.0)
    assert sure == 0.0
    assert doubtful > 0.05


def test_the_fastest_is_expected_by_the_chances_of_all() -> None:
    found = Fastest(np.array([1.0, 3.0, 2.0]), np.array([1.0, 0.5, 0.5]))
    gains, chance = np.array([4.0, 2.5, 0.5]), np.array([1.0, 0.5, 1.0])
    # Of those measured: half of the time 3, else half of the time 2, else 1.
    before = 0.5 * 3 + 0.25 * 2 + 0.25 * 1
    between = 0.5 * 3 + 0.5 * (0.5 * 2.5 + 0.5 * 1.5)
    assert found.added(gains, chance) == pytest.approx([4 - before, between - before, 0.0])


def test_what_barely_holds_the_limit_is_worth_half_and_what_surely_does_the_whole() -> None:
    zero = np.zeros(3)
    losses = Expected(np.full(3, 2.0), zero, np.array([0.1, 0.99, 2.0]), zero)
    assert chances(losses, Bar(1.0)) == pytest.approx([1.0, 1.0, 0.0])
    well, barely, over = chances(losses, Bar(1.0, doubt=0.4))
    assert well > 0.9
    assert 0.2 < barely < 0.4
    assert over < 0.05
    assert chances(losses, Bar(1.0, gain=3.0)) == pytest.approx(zero)
