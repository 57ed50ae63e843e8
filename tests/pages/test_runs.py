from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

from core.domain.run import RunStatus
from core.errors import NotFound
from core.store.store import Store
from core.views import highlights, runs
from pages.figures import thumbnail
from pages.figures.theme import LIGHT
from tests.pages import seed
from tests.pages.conftest import Open, words

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def tick(app: AppTest, *rows: int) -> AppTest:
    """Tick rows of the table."""
    app.session_state["runs_0"] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_an_empty_history_leads_to_the_start(open_page: Open) -> None:
    app = open_page("runs.py")
    assert "No runs yet" in words(app)
    assert app.button(key="start")


def test_runs_are_found_by_name_state_tag_and_note(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    store.runs.note("done", ["release", "release", " "], "the one for the camera")
    app = open_page("runs.py")
    assert "2 of 2 runs" in words(app)
    for text in ("FAILED", "camera", "release"):
        app.text_input(key="find").set_value(text).run()
        assert "1 of 2 runs" in words(app)
    app.text_input(key="find").set_value("nothing like it").run()
    assert "No run matches." in app.info[0].value
    app.text_input(key="find").set_value("")
    app.get("pills")[0].set_value([RunStatus.DONE]).run()
    assert "1 of 2 runs" in words(app)
    app.get("pills")[1].set_value(["release"]).run()
    assert list(app.dataframe[0].value["tags"][0]) == ["release"]


def test_a_line_tells_what_the_run_recommends_and_shows_its_front(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    line = open_page("runs.py").dataframe[0].value.iloc[0]
    assert line["best"] == "INT8 static (NNCF) · OpenVINO"
    assert (line["speedup"], line["accuracy"], line["size"]) == pytest.approx((5.226, 98.1, 0.95), rel=1e-3)
    assert (line["model"], line["data"], line["candidates"]) == ("digits-resnet", "digits", "9 of 9")
    kind, _, body = line["front"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b64decode(body).count(b"<circle") == len(seed.SPECS)


def test_a_thumbnail_steps_along_the_front_and_needs_two_points() -> None:
    assert thumbnail([(1.0, 0.0, True)], LIGHT) is None
    drawn = thumbnail([(1.0, 2.0, True), (4.0, float("-inf"), True), (4.0, 2.0, False)], LIGHT)
    assert drawn is not None
    assert b64decode(drawn.partition(",")[2]).count(b"V") == 1


def test_figures_of_many_runs_come_a_few_at_a_time(store: Store) -> None:
    for name in ("one", "two", "three"):
        seed.run(store, name, RunStatus.DONE)
    everything = runs(store)
    assert len(highlights(store, everything, 1e-9)) <= 1
    assert len(highlights(store, everything, 60.0)) == 3
    assert len(highlights(store, everything, 0.0)) == 3, "what is known costs no time"


def test_a_run_gets_a_name_tags_and_notes(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = tick(open_page("runs.py"), 0)
    app.button(key="describe").click().run()
    app.text_input(key="new_name").set_value("the good one")
    app.text_area(key="new_notes").set_value(" keep ")
    app.multiselect(key="new_tags").set_value(["camera"]).run()
    app.button(key="save_name").click().run()
    found = store.runs.get("done")
    assert (found.name, found.tags, found.notes) == ("the good one", ("camera",), "keep")


def test_runs_are_deleted_together_only_after_a_question(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    app = tick(open_page("runs.py"), 0, 1)
    app.button(key="delete").click().run()
    assert len(runs(store)) == 2
    assert "cannot be undone" in words(app)
    app.button(key="confirm_delete").click().run()
    with pytest.raises(NotFound):
        store.runs.get("done")
    assert "No runs yet" in words(app)


def test_an_active_run_cannot_be_deleted(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=2)
    button = tick(open_page("runs.py"), 0).button(key="delete")
    assert button.disabled
    assert "Cancel it first" in button.help


def test_open_leads_to_the_page_that_fits_the_state(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=2)
    app = tick(open_page("runs.py"), 0)
    app.button(key="open").click().run()
    assert app.button(key="cancel_run")


def test_two_runs_are_held_against_each_other(open_page: Open, store: Store) -> None:
    seed.run(store, "one", RunStatus.DONE)
    seed.run(store, "two", RunStatus.DONE)
    app = tick(open_page("runs.py"), 0, 1)
    app.button(key="compare_runs").click().run()
    assert {app.query_params["run"], app.query_params["against"]} == {"one", "two"}
    assert "This run:" in words(app)


def test_without_a_tick_the_buttons_say_why_they_do_nothing(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("runs.py")
    for key in ("open", "describe", "delete"):
        assert app.button(key=key).disabled
        assert app.button(key=key).help == "Tick a run in the table first."


def test_a_name_full_of_markup_is_shown_letter_by_letter(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    store.runs.rename("done", "![x](http://example.com/a.png) :red[y]")
    for page, ids in (("start.py", {}), ("compare.py", {"run": "done"})):
        said = words(open_page(page, **ids))
        assert r"!\[x\](http:" in said
        assert "![x]" not in said
        assert ":red[y]" not in said
