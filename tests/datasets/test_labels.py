from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.datasets.labels import as_indices, by_name, listed, parse_names
from core.errors import DataMismatch


@pytest.mark.parametrize(
    "raw",
    [
        np.array([0, 2, 1]),
        np.array([0.0, 2.0, 1.0], np.float16),
        np.array([[0], [2], [1]], np.uint8),
        np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]], bool),
        np.array(["0", "2", "1"]),
        np.array([b"a", b"c", b"b"]),
    ],
)
def test_all_ways_to_write_the_same_labels(raw: Any) -> None:
    found = as_indices(raw, 3)
    assert found.indices.tolist() == [0, 2, 1]
    assert found.indices.dtype == np.int64


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_class(value: float) -> None:
    with pytest.raises(DataMismatch):
        as_indices(np.array([0.0, value]), 3)


def test_numbers_sort_by_value_and_names_by_letter() -> None:
    assert by_name(["10", "9", "1"], 3) == {"1": 0, "9": 1, "10": 2}
    assert by_name(["b", "a"], None) == {"a": 0, "b": 1}
    assert by_name(["1" * 5000, "a"], 2) == {"1" * 5000: 0, "a": 1}


def test_long_lists_are_shortened() -> None:
    names = tuple(f"c{index}" for index in range(1000))
    assert listed(names).endswith("c999 (1000 in all)")
    assert len(listed(names)) < 100
    assert parse_names(" a, b ,,c") == ("a", "b", "c")
