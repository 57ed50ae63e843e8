"""A run on several kinds of machine, shown one kind at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.events import EventKind
from core.domain.run import Candidate, Limits, RunRequest
from core.insights.recommendation import recommend
from core.store.store import Store
from core.views import best_of, command_for, event_log, explain, report, results, run_view, runs
from tests.factories import candidate, model, result

KINDS = ("intel", "amd")


def on(machine: str, *figures: tuple[str, float]) -> list[Candidate]:
    made = [candidate(f"{machine}-{name}", result(speed), at) for at, (name, speed) in enumerate(figures)]
    return [replace(each, name=each.id[-3:], recipe=each.recipe.on(machine)) for each in made]


@pytest.fixture
def store() -> Store:
    """Return a store with a run in which another candidate wins on each kind."""
    store = Store()
    store.models.add(model())
    planned = [
        *on("amd", ("own", 1.0), ("one", 2.0), ("two", 4.0)),
        *on("intel", ("own", 1.0), ("one", 3.0), ("two", 1.5)),
    ]
    request = RunRequest("m", limits=Limits(1.0), measure_on=KINDS)
    store.runs.create(request, "a run", planned, 60.0)
    return store


def test_a_view_holds_one_kind_with_its_own_recommendation(store: Store) -> None:
    view = run_view(store, "run")
    assert [each.machine for each in view.each] == list(KINDS)
    assert [each.recommendation.candidate_id for each in view.each] == ["intel-one", "amd-two"]
    for each in view.each:
        assert {row.candidate.machine for row in each.candidates} == {each.machine}
        assert each.baseline.id == f"{each.machine}-own"
    assert run_view(store, "run", machine="amd").each == run_view(store, "run", machine="amd").each
    assert run_view(store, "run", machine="amd").machine == "amd"
    assert run_view(store, "run", machine="gone").machine == "intel"
    assert (view.progress.done, view.progress.total) == (4, 4)


def test_figures_of_two_kinds_cannot_be_ranked_together(store: Store) -> None:
    with pytest.raises(ValueError, match="no common axis"):
        recommend(store.candidates.list("run"), Limits(1.0))


def test_the_result_file_holds_each_kind_by_itself(store: Store) -> None:
    told = results(store, run_view(store, "run", machine="amd"))
    assert [each["machine"] for each in told["machines"]] == list(KINDS)
    assert [each["recommended"] for each in told["machines"]] == ["intel-one", "amd-two"]
    assert told["candidates"] == told["machines"][0]["candidates"]
    assert {each["recipe"]["target"]["machine"] for each in told["candidates"]} == {"intel"}


def test_history_report_log_and_command_name_the_kind(store: Store) -> None:
    store.events.append("run", EventKind.MEASURED, "amd-own", 1.0, speedup=1.0)
    store.events.append("run", EventKind.MEASURED, "intel-one", 1.0, speedup=3.0)
    assert best_of(store, runs(store)[0]) == "3.0x · one on intel; 4.0x · two on amd"
    view = run_view(store, "run", machine="amd")
    assert "Measured on amd" in report(view)
    assert "intel-one" not in report(view)
    assert command_for(view.model, None, view.run.request).count("--measure-on") == 2
    chosen = explain(store, "amd-two")
    assert "--measure-on amd " in chosen.command
    assert (chosen.run.machine, chosen.row.id) == ("amd", "amd-two")
    assert [line.text for line in event_log(view)][-2:] == [
        "own on amd: measured, the baseline that all others are held against.",
        "one on intel: measured, 3.00x the speed of your model.",
    ]
