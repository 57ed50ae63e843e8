"""The Latency tab, out of figures made by hand."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from core.domain.run import Result, RunStatus
from core.domain.sweep import Setting, Sweep
from core.serde import to_json
from core.store.store import Store
from tests.pages import seed
from tests.pages.conftest import Open, words
from tests.store.values import stored


def test_calls_of_old_results_are_shown_without_marks(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="latency")
    assert "which calls were disturbed was not recorded" in words(app)
    assert "p99 is stated from 662 calls on" in words(app)
    table = next(each.value for each in app.table if "First inference" in list(each.value["Step"]))
    assert list(table["Time"])[:2] == ["41.0 ms", "not recorded"]


def test_disturbed_calls_and_fresh_processes_are_marked(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = seed.result

    def disturbed(*args: object) -> Result:
        found = plain(*args)  # type: ignore[arg-type]
        lost = tuple(0.5 if at % 50 == 0 else 0.0 for at in range(200))
        more = {"samples_lost_ms": lost, "samples_starts": (0, 100), "starts": 2, "disturbed": 0.02}
        return replace(found, timing=replace(found.timing, first_ms=9.0, **more))

    monkeypatch.setattr(seed, "result", disturbed)
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="latency", price="3.6")
    chart = next(each for each in app.get("plotly_chart") if each.proto.alt == "The calls in their order")
    assert "disturbed by another program" in chart.proto.spec
    assert "Other programs interrupted 2.0 % of the calls" in words(app)
    assert "From 2 fresh processes, divided by the lines" in words(app)
    costs = {each.label: each.value for each in app.metric}
    assert costs["A million, one call at a time"] == "1.55"


def test_a_sweep_shows_the_best_setting_within_a_limit(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    settings = (
        Setting(1, 1, 2.0, 2.5, 500, 200),
        Setting(32, 1, 20.0, 22.0, 1600, 200),
        Setting(1, 2, 1.5, 1.8, 660, 200, 0.004),
    )
    kept = to_json(Sweep(settings, seed.ENVIRONMENT, "Energy is unavailable here.")).encode()
    store.results.keep("done-2", stored(store.blobs, kept, "sweep.json"))
    app = open_page("candidate.py", candidate="done-2", tab="latency")
    assert "**Best: batch 32 with 1 thread**" in words(app)
    assert "Energy is unavailable here." in words(app)
    app.get("button_group")[-1].set_value("10 ms, interactive").run()
    assert "**Best: batch 1 with 2 threads**" in words(app)
    assert "4.00 mJ a sample" in words(app)
    assert app.button(key="sweep_done-2_start").label == "Measure again"


def test_without_a_sweep_there_is_a_button_for_it(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done = list[str](), threading.Event()

    def made(_: Store, id: str, *_told: object) -> None:
        asked.append(id)
        done.set()

    monkeypatch.setattr("core.engine.sweep", made)
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("candidate.py", candidate="done-2", tab="latency")
    app.button(key="sweep_done-2_start").click().run()
    assert done.wait(10)
    assert asked == ["done-2"]
