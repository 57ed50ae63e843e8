"""What the page is told while a measurement goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.live import EVERY_S, MOST_CALLS, LiveReport, thinned
from core.settings import Settings
from core.store.store import Store
from tests.store.values import a_request, some_candidates


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(data_dir=tmp_path)) as opened:
        opened.runs.create(a_request(opened), "run", some_candidates(opened, 1))
        yield opened


def test_calls_arrive_while_they_are_measured_and_the_last_at_the_end(store: Store) -> None:
    run = store.work.claim("w1")
    assert run is not None
    candidate = store.candidates.list(run.id)[0].id
    with LiveReport(store, run.id, "w1", candidate, 1) as report:
        report.add([1.0, 2.0])
        until = time.monotonic() + 20 * EVERY_S
        while (found := store.live.get(run.id)) is None and time.monotonic() < until:
            time.sleep(0.02)
        assert found is not None
        assert (found.candidate_id, found.ms, found.calls) == (candidate, (1.0, 2.0), 2)
        report.add([3.0])
    last = store.live.get(run.id)
    assert last is not None
    assert last.ms == (1.0, 2.0, 3.0)


def test_a_lost_run_does_not_disturb_the_measurement(store: Store) -> None:
    run = store.work.claim("w1")
    assert run is not None
    with LiveReport(store, run.id, "somebody else", "c", 1) as report:
        report.add([1.0])
    assert store.live.get(run.id) is None


def test_many_calls_are_thinned_evenly() -> None:
    found = thinned([float(n) for n in range(10_000)])
    assert len(found) <= MOST_CALLS
    assert found[0] == 0
    assert found[2] - found[1] == found[1]
