from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from core.bench.quality.running import Larger
from core.bench.timing.commands import Predict, Predicted
from core.bench.timing.endpoint import Host
from core.bench.timing.evaluation_set import Most, run_evaluation


class Told:
    """A host that runs as many rows as it is told, at `row_s` each."""

    def __init__(self, rows: int, row_s: float, larger: Larger = Larger.FINE) -> None:
        self.rows, self.row_s, self.larger = rows, row_s, larger
        self.asked: list[int | None] = []

    def spread(self) -> int:
        return 2

    def ask(self, _: object, request: Predict) -> Predicted:
        self.asked.append(request.rows)
        done = self.rows if request.rows is None else min(request.rows, self.rows)
        return Predicted(done, 1, 2, self.row_s, self.larger)


def run(told: Told, look: list[str] | None, most: Most) -> Any:
    answers = iter(look or ())
    return run_evaluation(cast(Host, told), Path("out"), most, (lambda _: next(answers)) if look else None)


def test_what_is_surely_too_bad_is_not_run_to_the_end() -> None:
    told = Told(4000, 0.01)
    found = run(told, ["", "Stopped."], Most(4000))
    assert told.asked == [256, 512]
    assert (found.rows, found.planned, found.stopped) == (512, 4000, "Stopped.")


def test_where_little_is_left_nobody_looks() -> None:
    told = Told(4000, 0.0005)
    found = run(told, ["Stopped."], Most(4000))
    assert (found.rows, found.stopped, found.copies) == (4000, "", 2)


@pytest.mark.parametrize("most", [Most(), Most(900), Most(900, limit=300)])
def test_without_a_look_all_rows_are_run_at_once(most: Most) -> None:
    told = Told(900, 1.0, Larger.OTHER_ANSWERS)
    found = run(told, None, most)
    assert told.asked == [most.planned]
    assert found.rows == (most.planned or 900)
    assert "other answers" in found.note
