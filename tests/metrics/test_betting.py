from __future__ import annotations

import numpy as np
import pytest

from core.metrics.betting import sequential_mean
from core.metrics.proportions import paired_difference


@pytest.mark.parametrize("flips", [0.02, 0.2])
def test_the_interval_holds_at_every_look(flips: float) -> None:
    rng, missed, runs = np.random.default_rng(0), 0, 150
    drop = 0.01
    chances = [(flips + drop) / 2, (flips - drop) / 2, 1 - flips]
    for _ in range(runs):
        seen = rng.choice([1.0, -1.0, 0.0], size=1200, p=chances)
        looks = [sequential_mean(seen[:count], -1.0, 1.0) for count in (100, 300, 600, 1200)]
        missed += any(not each.low <= drop <= each.high for each in looks)
    # At one look after another an interval for a single one would miss in more than 5 %.
    assert missed <= 0.05 * runs


def test_a_ruined_model_is_told_from_a_good_one_after_few_samples() -> None:
    rng = np.random.default_rng(1)
    ruined = rng.choice([1.0, 0.0], size=256, p=[0.3, 0.7])
    assert sequential_mean(ruined, -1.0, 1.0).low > 0.1
    good = rng.choice([1.0, -1.0, 0.0], size=4000, p=[0.005, 0.005, 0.99])
    found = sequential_mean(good, -1.0, 1.0)
    assert found.low < 0 < found.high < 0.01


def test_it_is_wider_than_an_interval_for_one_look_and_stays_in_range() -> None:
    values = np.array([1.0] * 30 + [-1.0] * 10 + [0.0] * 460)
    np.random.default_rng(2).shuffle(values)
    found, once = sequential_mean(values, -1.0, 1.0), paired_difference(30, 10, 500)
    assert found.value == pytest.approx(once.value)
    assert found.low < once.low < once.high < found.high
    assert sequential_mean(np.ones(5), 0.0, 1.0).high == 1.0
    assert sequential_mean(np.zeros(5), 0.0, 1.0).low == 0.0
