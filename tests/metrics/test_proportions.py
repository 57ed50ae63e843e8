from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from core.domain.measurement import Interval
from core.metrics.proportions import mcnemar, paired_difference, samples_to_settle, wilson
from core.metrics.quantiles import Z95
from tests.bench.coverage import coverage


def test_wilson_matches_its_published_example_and_does_not_collapse() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: 81 of 263, and 0 of 20.
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    none = wilson(0, 20)
    assert (none.low, round(none.high, 4)) == (0.0, 0.1611)


@pytest.mark.parametrize(("lost", "won", "samples"), [(0, 0, 100), (3, 0, 100), (43, 32, 400), (1, 9, 2000)])
def test_the_paired_interval_ends_where_the_score_test_rejects(lost: int, won: int, samples: int) -> None:
    found = paired_difference(lost, won, samples)
    for end in (found.low, found.high):
        # The quartic whose roots are Tango's limits: Yang, Sun and Hardin, Statistics in Medicine 32 (2013).
        assert _quartic(lost, won, samples, end) == pytest.approx(0.0, abs=1e-6)
    assert found.low < found.value < found.high or lost == won == 0


def _quartic(b: int, c: int, n: int, d: float) -> float:
    """Return Tango's score condition squared, cleared of its root and scaled by n²."""
    g = Z95**2
    u, v = b - c - n * d, -b - c + (2 * n - b + c) * d
    # u² = g n (2 q + d (1-d)) with q = (sqrt(v² + 8 n c d (1-d)) - v) / 4n
    inner = (2 * u**2 / g - 2 * n * d * (1 - d) + v) ** 2 - v**2 - 8 * n * c * d * (1 - d)
    return inner / n**2


@pytest.mark.parametrize("flips", [(0.0, 0.0), (0.001, 0.001), (0.02, 0.01), (0.1, 0.08)])
def test_the_paired_interval_holds_the_true_drop(flips: tuple[float, float]) -> None:
    lost, won = flips

    known = cache(paired_difference)

    def draw(generator: np.random.Generator) -> Interval:
        counts = generator.multinomial(500, [lost, won, 1 - lost - won])
        return known(int(counts[0]), int(counts[1]), 500)

    assert coverage(lost - won, draw, 3000) >= 0.94


def test_no_flips_still_leave_doubt() -> None:
    found = paired_difference(0, 0, 100)
    assert found.value == 0.0
    assert found.high == pytest.approx(Z95**2 / (100 + Z95**2), abs=1e-6)
    assert found.low == pytest.approx(-found.high, abs=1e-6)


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 5), (7, 7), (30, 12), (400, 300)])
def test_mcnemar_is_the_binomial_test_of_the_flips(lost: int, won: int) -> None:
    from scipy.stats import binomtest

    wanted = binomtest(lost, lost + won, 0.5).pvalue if lost + won else 1.0
    assert mcnemar(lost, won) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("lost", "won", "samples", "limit"),
    [(0, 0, 100, 0.01), (5, 0, 1000, 0.01), (30, 25, 1000, 0.01), (12, 10, 2000, 0.005), (9, 11, 300, 0.01)],
)
def test_at_the_samples_to_settle_the_interval_ends_at_the_limit(
    lost: int, won: int, samples: int, limit: float
) -> None:
    wanted = samples_to_settle(lost, won, samples, limit)
    assert wanted is not None
    # The interval at whole multiples of the observed counts, on both sides of the number.
    times = wanted / samples
    below, above = (
        paired_difference(k * lost, k * won, k * samples).high for k in (int(times), int(times) + 1)
    )
    assert above <= limit < below


def test_half_of_the_repetitions_settle_at_the_samples_to_settle() -> None:
    wanted = samples_to_settle(5, 3, 400, 0.015)
    assert wanted is not None
    draws = np.random.default_rng(0).multinomial(wanted, [5 / 400, 3 / 400, 392 / 400], 2000)
    highs = [paired_difference(int(lost), int(won), wanted).high for lost, won, _ in draws]
    assert np.mean(np.array(highs) <= 0.015) == pytest.approx(0.5, abs=0.06)


def test_no_number_of_samples_settles_a_drop_at_or_over_the_limit() -> None:
    assert samples_to_settle(10, 0, 1000, 0.01) is None
    assert samples_to_settle(20, 0, 1000, 0.01) is None


def test_mcnemar_of_many_flips_ends_and_goes_on_where_the_exact_test_stopped() -> None:
    """The pixels of a segmentation flip by the hundred thousand."""
    exact, beyond = mcnemar(455, 545), mcnemar(456, 546)
    assert beyond == pytest.approx(exact, rel=0.02)
    assert mcnemar(500_000, 500_000) == 1.0
    assert mcnemar(500_000, 503_000) == pytest.approx(0.00274, rel=0.01)
