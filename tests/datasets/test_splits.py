from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.splits import split, split_around


@given(st.integers(2, 9000), st.integers(1, 12), st.integers(0, 99))
def test_every_row_is_in_exactly_one_part(samples: int, classes: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, samples)
    found = split(labels, samples, seed)
    assert sorted([*found.calibration, *found.search, *found.test]) == list(range(samples))
    assert len(found.calibration) == min(256, max(8, samples // 4), samples // 2)
    rest = samples - len(found.calibration)
    assert len(found.search) == (min(2000, rest // 3) if rest >= 24 else 0)


@given(st.lists(st.integers(5, 200), min_size=2, max_size=6), st.integers(0, 99))
def test_classes_keep_their_shares(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    calibration = split(labels, len(labels), seed).calibration
    wanted = np.array(sizes) * len(calibration) / len(labels)
    taken = np.bincount(labels[calibration], minlength=len(sizes))
    # Each class is rounded by half a row at most; all of these together move the cut.
    bound = 0.5 + 0.5 * len(sizes) * np.array(sizes) / len(labels)
    assert (np.abs(taken - wanted) <= bound + 1e-9).all()


def test_numbers_to_predict_are_spread_over_all_parts() -> None:
    targets = np.exp(np.random.default_rng(1).normal(size=(400, 1)))
    found = split(targets, 400, 0)
    edges = np.quantile(targets, np.linspace(0, 1, 11)[1:-1])
    for part in (found.calibration, found.search, found.test):
        tenths = np.bincount(np.searchsorted(edges, targets[part, 0], side="right"), minlength=10)
        assert np.ptp(tenths) <= 2


def test_given_calibration_rows_stay_and_the_rest_is_parted_by_class() -> None:
    labels = np.arange(120) % 3
    found = split_around(np.arange(110, 120), np.arange(100, 120), labels, 120, 0)
    assert found.calibration.tolist() == list(range(110, 120))
    assert sorted([*found.search, *found.test]) == list(range(100))
    assert np.ptp(np.bincount(labels[found.search])) <= 1


def test_the_seed_decides() -> None:
    labels = np.arange(100) % 10
    one, other = split(labels, 100, 0), split(labels, 100, 1)
    np.testing.assert_array_equal(one.test, split(labels, 100, 0).test)
    assert one.test.tolist() != other.test.tolist()


@pytest.mark.parametrize("samples", [4, 20, 31])
def test_few_samples_are_all_for_calibration_and_test(samples: int) -> None:
    assert not len(split(None, samples, 0).search)
