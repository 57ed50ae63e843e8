from __future__ import annotations

import numpy as np
import pytest

from core.datasets.stratified import balanced, limit


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
