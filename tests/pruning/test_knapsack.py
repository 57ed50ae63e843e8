from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from core.pruning.knapsack import cheapest


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_what_trying_everything_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    savings = [[0.0, *np.sort(random.integers(1, 40, 3)).astype(float)] for _ in range(4)]
    losses = [[0.0, *np.sort(random.random(3))] for _ in range(4)]
    every = [
        (sum(losses[group][at] for group, at in enumerate(choice)), choice)
        for choice in product(range(4), repeat=4)
        if sum(savings[group][at] for group, at in enumerate(choice)) >= 50
    ]
    found = cheapest(savings, losses, 50.0)
    assert sum(savings[group][at] for group, at in enumerate(found)) >= 50
    assert sum(losses[group][at] for group, at in enumerate(found)) == pytest.approx(min(every)[0])


def test_nothing_is_narrowed_that_saves_nothing() -> None:
    assert cheapest([[0.0, 0.0], [0.0, 2.0]], [[0.0, 0.1], [0.0, 5.0]], 1.0) == [0, 1]


def test_what_cannot_be_saved_is_saved_as_far_as_it_goes() -> None:
    assert cheapest([[0.0, 1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0, 9.0], [0.0, 1.0]], 99.0) == [2, 1]
