from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.bench.quality.running import EvaluationRun, Larger, same_answers
from core.bench.quality.saved_outputs import read_outputs
from core.datasets.rows import Rows
from core.errors import RuntimeFailed
from core.protocols import Array, Feed
from tests.bench.conftest import MODEL, WIDTH

ROWS = 700
GIB = 1 << 30


class Slow:
    """A session in plain NumPy that takes as long for a call of any size."""

    def __init__(self, call_s: float = 0.004, most: int = 4096, dynamic: bool = False) -> None:
        self.call_s, self.most, self.dynamic = call_s, most, dynamic
        self.sizes: list[int] = []
        self.threads: set[int] = set()

    def run(self, feed: Feed) -> list[Array]:
        values = feed["x"]
        if len(values) > self.most:
            raise RuntimeFailed("Too many rows.")
        self.sizes.append(len(values))
        self.threads.add(threading.get_ident())
        time.sleep(self.call_s)
        scale = np.abs(values).max() if self.dynamic else 4.0
        return [np.round(values / scale * 127).astype(np.float32)]

    def prepare(self, feed: Feed) -> Callable[[], object]:
        return lambda: self.run(feed)

    def close(self) -> None:
        self.sizes = []


@pytest.fixture
def data(tmp_path: Path) -> Rows:
    (tmp_path / "evaluation").mkdir()
    np.save(
        tmp_path / "evaluation" / "0.npy",
        np.random.default_rng(0).standard_normal((ROWS, WIDTH)).astype("f4"),
    )
    return Rows([tmp_path / "evaluation"], MODEL)


def evaluation(rows: Rows, copies: list[Slow]) -> EvaluationRun:
    def reopen(batch: int) -> Slow:
        copies.append(Slow())
        return copies[-1]

    return EvaluationRun(rows, 1, reopen, 0.0, lambda: 1 << 20)


def expected(rows: Rows) -> Array:
    feed, _ = next(rows.batches(ROWS))
    return Slow(0.0).run(feed)[0]


def test_large_calls_are_taken_where_they_answer_the_same(data: Rows, tmp_path: Path) -> None:
    session = Slow()
    run = evaluation(data, [])
    run.go_on(session, None, None, 1, GIB)
    assert (run.rows, run.batch, run.copies, run.larger) == (ROWS, 32, 1, Larger.FINE)
    assert session.sizes.count(1) == 32
    assert run.save(tmp_path / "out") == ROWS
    np.testing.assert_array_equal(read_outputs(tmp_path / "out")[0][:], expected(data))


@pytest.mark.parametrize(
    ("session", "why"), [(Slow(dynamic=True), Larger.OTHER_ANSWERS), (Slow(most=4), Larger.REFUSED)]
)
def test_the_own_batch_stays_where_larger_calls_answer_otherwise(
    data: Rows, tmp_path: Path, session: Slow, why: Larger
) -> None:
    run = evaluation(data, [])
    run.go_on(session, 400, None, 1, GIB)
    assert (run.rows, run.batch, run.larger) == (400, 1, why)


def test_memory_for_few_rows_makes_small_calls(data: Rows) -> None:
    run = evaluation(data, [])
    run.go_on(Slow(), None, None, 1, 9 << 20)
    assert run.batch == 8


def test_copies_work_side_by_side_and_keep_the_order(data: Rows, tmp_path: Path) -> None:
    session, copies = Slow(0.02, most=4), list[Slow]()
    run = evaluation(data, copies)
    run.go_on(session, 200, None, 3, GIB)
    assert run.copies == 3
    assert all(each.sizes for each in copies)
    assert run.save(tmp_path / "out") == 200
    np.testing.assert_array_equal(read_outputs(tmp_path / "out")[0][:], expected(data)[:200])


def test_it_goes_on_where_it_ended(data: Rows, tmp_path: Path) -> None:
    run, session = evaluation(data, []), Slow()
    run.go_on(session, 256, None, 1, GIB)
    assert run.rows == 256
    run.go_on(session, None, 0.0, 1, GIB)
    assert run.rows == 256
    run.go_on(session, None, None, 1, GIB)
    assert run.save(tmp_path / "out") == ROWS
    np.testing.assert_array_equal(read_outputs(tmp_path / "out")[0][:], expected(data))


def test_answers_are_the_same_up_to_another_order_of_additions() -> None:
    values = np.random.default_rng(0).standard_normal((16, 10)).astype(np.float32)
    assert same_answers([values], [values * np.float32(1 + 1e-6)])
    assert not same_answers([values], [values * np.float32(1.01)])
    assert not same_answers([values], [values[:8]])
    assert same_answers([values.argmax(1)], [values.argmax(1)])
    masked = np.where(values > 1, -np.inf, values)
    assert same_answers([masked], [masked])
