from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.run import RunStatus
from core.store.store import Store
from pages.widgets.status import NEXT
from sample_models.catalogue import samples
from tests.pages import seed
from tests.pages.conftest import Open, words


def test_a_first_visit_finds_the_sentence_the_demo_and_the_samples(open_page: Open) -> None:
    app = open_page("start.py")
    said = words(app)
    assert "Sharpen a trained model" in said
    assert app.button(key="demo").label == "Run the demo"
    assert "Nothing was run yet" in said
    assert "It is shown as measured elsewhere" in said
    for sample in samples():
        assert sample.name in said
        assert app.button(key=f"sample_{sample.id}")


def test_recent_runs_are_listed_with_state_and_result(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    seed.run(store, "failed", RunStatus.FAILED, done=0)
    app = open_page("start.py")
    said = words(app)
    assert "5.2x · INT8 static (NNCF) · OpenVINO" in said
    assert "Failed" in said
    assert "no result yet" in said
    assert app.button(key="open_done").label == "See the result"
    assert app.button(key="open_failed").label == "See why"


def test_the_newest_model_leads_on_where_no_run_was_made_of_it(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    store.models.add(replace(store.models.get("seed-model"), id="other", name="mine"))
    app = open_page("start.py")
    app.button(key="set_up_other").click().run()
    assert app.query_params["model"] == "other"


@pytest.mark.parametrize("status", RunStatus)
def test_every_state_of_a_run_has_a_next_step(status: RunStatus) -> None:
    assert NEXT[status]


def test_opening_a_recent_run_shows_it(open_page: Open, store: Store) -> None:
    seed.run(store, "done", RunStatus.DONE)
    app = open_page("start.py")
    app.button(key="open_done").click().run()
    assert not app.exception
    assert "digits-resnet · done" in words(app)
    assert app.query_params["run"] == "done"
