from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.bench.quality.predictions import CHANGING, alike, filled, per_row, save_blocks
from core.bench.quality.saved_outputs import read_outputs
from core.errors import RuntimeFailed
from core.protocols import Array, Feed
from tests.bench.quality.compared import compare


class Summing:
    """A session in plain NumPy: a row sum, a scalar and, when asked, an output that grows."""

    def __init__(self, grows: bool = False) -> None:
        self.grows, self.calls = grows, 0

    def run(self, feed: Feed) -> list[Array]:
        self.calls += 1
        rows = feed["x"].sum(axis=1, keepdims=True)
        return [np.repeat(rows, self.calls, axis=1) if self.grows else rows, np.array(float(len(rows)))]

    def prepare(self, feed: Feed) -> Callable[[], object]:
        return lambda: self.run(feed)

    def close(self) -> None:
        self.calls = 0


def save(session: Summing, rows: int, batch: int, folder: Path) -> int:
    """Run as many rows and save what comes out."""
    blocks = [
        [per_row(each, count, batch) for each in session.run(feed)] for feed, count in feeds(rows, batch)
    ]
    return save_blocks(blocks, folder)


def feeds(rows: int, batch: int) -> list[tuple[Feed, int]]:
    data = np.arange(rows * 2.0).reshape(rows, 2)
    parts = [data[start : start + batch] for start in range(0, rows, batch)]
    return [(filled({"x": part}, len(part), batch), len(part)) for part in parts]


def test_what_fills_the_last_feed_is_not_saved(tmp_path: Path) -> None:
    assert save(Summing(), 7, 3, tmp_path) == 7
    sums, sizes = read_outputs(tmp_path)
    np.testing.assert_array_equal(sums[:, 0], np.arange(7) * 4 + 1)
    np.testing.assert_array_equal(sizes[:], [3.0, 3.0, 3.0])


def test_columns_first_are_saved_as_rows(tmp_path: Path) -> None:
    class Turned(Summing):
        def run(self, feed: Feed) -> list[Array]:
            return [np.asfortranarray(feed["x"])]

    save(Turned(), 6, 3, tmp_path)
    np.testing.assert_array_equal(read_outputs(tmp_path)[0][:], np.arange(12.0).reshape(6, 2))


def test_outputs_of_changing_size_are_filled_up(tmp_path: Path) -> None:
    assert save(Summing(grows=True), 4, 2, tmp_path) == 4
    sums, _ = read_outputs(tmp_path)
    np.testing.assert_array_equal(sums[:], [[1, 0], [5, 0], [9, 9], [13, 13]])
    assert (tmp_path / CHANGING).exists()


def test_a_lost_box_counts_as_noise() -> None:
    box = np.ones((1, 4))
    several = np.concatenate([box, 2 * box])[np.newaxis]
    one, both = alike([box, several])  # a single box was taken for a row of its own
    np.testing.assert_array_equal(one, [[[1, 1, 1, 1], [0, 0, 0, 0]]])
    np.testing.assert_array_equal(both, several)
    _, fidelity = compare([box], [several], None, None, changing=True)
    assert fidelity.sqnr_db == pytest.approx(10 * np.log10(20 / 16))
    with pytest.raises(RuntimeFailed, match="have the shapes"):
        compare([several[:, :1]], [several], None, None)
    with pytest.raises(RuntimeFailed, match="number of axes"):
        alike([np.ones((1, 4)), np.ones((1, 2, 4, 3))])
