from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.stratified import balanced, limit, split


@given(st.integers(2, 3000), st.integers(1, 12), st.integers(0, 99))
def test_every_row_is_on_exactly_one_side(samples: int, classes: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, samples)
    calibration, evaluation = split(labels, samples, seed)
    assert sorted([*calibration, *evaluation]) == list(range(samples))
    assert len(calibration) == min(256, max(8, samples // 4), samples // 2)


@given(st.lists(st.integers(5, 200), min_size=2, max_size=6), st.integers(0, 99))
def test_classes_keep_their_shares(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    calibration, _ = split(labels, len(labels), seed)
    wanted = np.array(sizes) * len(calibration) / len(labels)
    taken = np.bincount(labels[calibration], minlength=len(sizes))
    # Each class is rounded by half a row at most; all of these together move the cut.
    bound = 0.5 + 0.5 * len(sizes) * np.array(sizes) / len(labels)
    assert (np.abs(taken - wanted) <= bound + 1e-9).all()


def test_the_seed_decides() -> None:
    labels = np.arange(100) % 10
    one, other = split(labels, 100, 0)[0], split(labels, 100, 1)[0]
    np.testing.assert_array_equal(one, split(labels, 100, 0)[0])
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("count", [1, 7, 30, 1000])
def test_balanced_takes_as_many_of_each_as_there_are(count: int) -> None:
    labels = np.array([0] * 80 + [1] * 15 + [2] * 5)
    rows = balanced(labels, 100, count)
    counts = np.bincount(labels[rows], minlength=3)
    assert len(rows) == min(count, 100) == len(set(rows))
    assert rows.tolist() == sorted(rows)
    assert all(counts[c] == (labels == c).sum() or counts[c] >= counts.max() - 1 for c in range(3))


def test_limits_hold_memory_and_wishes() -> None:
    assert limit(100, 10) == 100
    assert limit(100, 10, 20) == 20
    assert limit(10_000, 1_000_000) == 1500
