from __future__ import annotations

from itertools import product

import pytest

from core.passes.quantization.mixed.assignment import Region, cheapest, flipped, regions, runs

CHAIN = [
    Region((0,), 1.0, 2.0, 0.01),
    Region((1,), 3.0, 1.0, 0.0),
    Region((2,), 1.0, 1.5, 0.3),
    Region((3,), 0.5, 1.5, 0.0),
]


def cost(low: tuple[bool, ...], switch_ms: float, noise_ms: float) -> float:
    own = sum(
        each.low_ms + noise_ms * each.noise if chosen else each.float_ms
        for each, chosen in zip(CHAIN, low, strict=True)
    )
    return own + switch_ms * (len(runs(low)) - 1)


@pytest.mark.parametrize("switch_ms", [0.0, 0.4, 3.0])
@pytest.mark.parametrize("noise_ms", [0.0, 2.0, 1e6])
def test_it_is_the_cheapest_of_all(switch_ms: float, noise_ms: float) -> None:
    found = cheapest(CHAIN, switch_ms, noise_ms)
    least = min(cost(low, switch_ms, noise_ms) for low in product((False, True), repeat=len(CHAIN)))
    assert cost(found, switch_ms, noise_ms) == pytest.approx(least)


def test_dear_switches_give_one_run_and_dear_noise_gives_silence() -> None:
    assert len(runs(cheapest(CHAIN, 100.0, 0.0))) == 1
    assert cheapest(CHAIN, 0.0, 0.0) == (True, False, True, True)
    assert cheapest(CHAIN, 0.0, 1e9) == (False, False, False, True)


def test_regions_keep_groups_in_order_and_their_times() -> None:
    found = regions([1.0, 2.0, 3.0, 4.0], [1.0, 0.1, 0.2, 9.0], 2)
    assert [each.groups for each in found] == [(0, 1, 2), (3,)]
    assert [each.low_ms for each in found] == [6.0, 4.0]
    assert found[0].float_ms == pytest.approx(1.3)


def test_a_flip_turns_one_stretch() -> None:
    low = (True, True, False, False)
    assert runs(low) == [(0, 2), (2, 4)]
    assert flipped(low, 1, 3) == (True, False, True, False)
