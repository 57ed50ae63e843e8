from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.events import Event, EventKind
from core.domain.run import RunStatus
from core.engine import open_store
from core.views import path, run_view
from tests.pages import seed


def test_the_best_so_far_is_within_the_limits_and_measurably_better(data_dir: Path) -> None:
    assert data_dir
    with open_store() as store:
        seed.run(store, "done", RunStatus.DONE)
        view = run_view(store, "done")
    order, begun = (0, 8, 6, 7, 2, 2), view.run.created
    events = [
        Event(at, begun + 10 * at, EventKind.MEASURED, f"done-{position}")
        for at, position in enumerate(order, start=1)
    ]
    found = path(replace(view, events=tuple(events)))
    assert [each.row.id for each in found] == ["done-8", "done-6", "done-7", "done-2"], "each of them once"
    assert [each.within for each in found] == [True, True, False, True]
    assert [round(each.best, 2) for each in found] == [1.0, 1.84, 1.84, 5.23]
    assert found[0].after_s == pytest.approx(20.0)
