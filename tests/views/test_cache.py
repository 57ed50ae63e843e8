"""What was worked out of a run is kept until the run changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.domain.run import CandidateStatus, Limits, RunRequest
from core.store.store import Store
from core.views import best_of, run_view, runs
from core.views.cache import Cache
from tests.factories import candidate, model, result


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return a store that counts how often the candidates of a run are read."""
    with Store() as opened:
        opened.models.add(model())
        planned = [candidate("base", result(1.0), 0), candidate("fast", result(4.0), 1)]
        planned.append(candidate("next", None, 2))
        opened.runs.create(RunRequest("m", limits=Limits(1.0)), "a run", planned, 60.0)
        opened.work.claim("w")
        read, list_ = [], opened.candidates.list
        monkeypatch.setattr(opened.candidates, "list", lambda run_id: (read.append(run_id), list_(run_id))[1])
        monkeypatch.setattr(opened, "read", read, raising=False)
        yield opened


def reads(store: Store) -> int:
    return len(store.read)  # type: ignore[attr-defined]


def test_candidates_are_read_once_whoever_asks_and_whatever_the_limits(store: Store) -> None:
    for limits in (None, Limits(1.0), Limits(5.0)):
        assert run_view(store, "run", limits).recommendation.candidate_id == "fast"
    assert reads(store) == 1


def test_a_change_is_seen_at_once(store: Store) -> None:
    run_view(store, "run")
    third = store.candidates.list("run")[2]
    done = replace(third, status=CandidateStatus.DONE, result=result(9.0))
    store.candidates.save(done, "w")
    assert run_view(store, "run").recommendation.candidate_id == "next"


def test_a_heartbeat_reads_no_candidate_again_and_the_time_goes_on(store: Store) -> None:
    before = run_view(store, "run").progress.elapsed_s
    store.work.heartbeat("run", "w", 50.0)
    assert run_view(store, "run").progress.elapsed_s >= 50 > before
    assert reads(store) == 1


def test_the_history_decodes_no_candidate_twice(store: Store) -> None:
    for _ in range(3):
        assert best_of(store, runs(store)[0]) == "4.0x · fast"
    assert reads(store) == 1


def test_a_value_is_worked_out_once_though_many_ask_at_the_same_time() -> None:
    kept, made, gate = Cache(2), list[int](), threading.Barrier(4)

    def ask() -> None:
        gate.wait()
        kept.get("key", 1, lambda: made.append(1))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert made == [1]


def test_the_oldest_goes_first() -> None:
    kept = Cache(2)
    for key in ("a", "b", "a", "c"):
        kept.get(key, 1, lambda: 0)
    assert [kept.get(key, 1, lambda: 1) for key in ("a", "c", "b")] == [0, 0, 1]
