from __future__ import annotations

import pytest

from core.domain.run import RunStatus
from core.errors import NotFound
from core.store.store import Store
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_an_empty_history_leads_to_the_start(open_page: Open) -> None:
    app = open_page("runs.py")
    assert "No runs yet" in words(app)
    assert app.button(key="start")


def test_runs_are_listed_and_found_by_name_and_state(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    app = open_page("runs.py")
    assert "2 of 2 runs" in words(app)
    app.text_input(key="find").set_value("FAILED").run()
    assert "1 of 2 runs" in words(app)
    app.text_input(key="find").set_value("nothing like it").run()
    assert "No run matches." in app.info[0].value
    app.text_input(key="find").set_value("")
    app.get("pills")[0].set_value([RunStatus.DONE]).run()
    assert "1 of 2 runs" in words(app)


def test_a_run_is_renamed(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("runs.py")
    app.button(key="rename_done").click().run()
    app.text_input(key="new_name").set_value("the good one").run()
    app.button(key="save_name").click().run()
    assert store.runs.get("done").name == "the good one"


def test_a_run_is_deleted_only_after_a_question(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("runs.py")
    app.button(key="delete_done").click().run()
    assert store.runs.get("done").id == "done"
    assert "cannot be undone" in words(app)
    app.button(key="confirm_delete").click().run()
    with pytest.raises(NotFound):
        store.runs.get("done")
    assert "No runs yet" in words(app)


def test_an_active_run_cannot_be_deleted(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=2)
    button = open_page("runs.py").button(key="delete_running")
    assert button.disabled
    assert "Cancel it first" in button.help


def test_open_leads_to_the_page_that_fits_the_state(open_page: Open, store: Store) -> None:
    seed.run(store, "running", RunStatus.RUNNING, done=2)
    app = open_page("runs.py")
    app.button(key="open_running").click().run()
    assert app.button(key="cancel_run")


def test_a_name_full_of_markup_is_shown_letter_by_letter(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    store.runs.rename("done", "![x](http://example.com/a.png) :red[y]")
    for page, ids in (("runs.py", {}), ("start.py", {}), ("compare.py", {"run": "done"})):
        said = words(open_page(page, **ids))
        assert r"!\[x\](http:" in said
        assert "![x]" not in said
        assert ":red[y]" not in said
