from __future__ import annotations

import pytest

from core.domain.run import Limits, RunStatus
from core.store.store import Store
from pages.widgets.limits import LEAST, half, limits_set, settings_of
from tests.pages import seed
from tests.pages.conftest import Open, words


@pytest.mark.parametrize(
    "limits",
    [
        Limits(),
        Limits(None),
        Limits(0.0),
        Limits(30.0),
        Limits(1.5, 2.0, 3_500_000),
        Limits(None, 0.25),
        Limits(1.0, None, None, 7_000_000, 12.5),
    ],
)
def test_limits_survive_the_address(limits: Limits) -> None:
    assert limits_set(Limits(), settings_of(limits)) == limits


@pytest.mark.parametrize("text", ["much", "-1", "nan", ""])
def test_what_is_no_limit_is_passed_over(text: str) -> None:
    assert limits_set(Limits(2.0), {"drop": text}) == Limits(2.0)


@pytest.mark.parametrize(
    ("value", "suggested"), [(5.2, 2.6), (0.0093, 0.0046), (0.0004, LEAST), (1234.0, 620.0)]
)
def test_half_of_the_baseline_is_suggested_however_small_it_is(value: float, suggested: float) -> None:
    assert half(value) == suggested


def test_a_run_without_a_limit_on_the_drop_says_so_and_can_be_given_one(
    open_page: Open, store: Store
) -> None:
    seed.run(store, "done", RunStatus.DONE, limits=Limits(None))
    app = open_page("compare.py", run="done")
    assert not app.toggle(key="done_drop_on").value
    assert "No limit: the fastest candidate is recommended, whatever it loses." in words(app)
    assert not [each for each in app.slider if each.key == "done_drop"]
    app.toggle(key="done_drop_on").set_value(True).run()
    assert app.slider(key="done_drop").value == 1.0
    assert "1" in app.query_params["drop"]
    app.toggle(key="done_drop_on").set_value(False).run()
    assert "off" in app.query_params["drop"]
    assert "No limit: " in words(app)
