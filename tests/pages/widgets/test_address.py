"""Settings in the address."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from pages.widgets.address import put, settings

    settings("run", ("selected",))
    put("run", "selected", "a")
    put("set-up", "budget", "30")
    st.text(settings("set-up", ())["budget"])


def test_what_is_reported_late_for_another_page_is_kept_and_stays_out_of_the_address() -> None:
    """A browser reports the widgets of the set-up once more when the run that it started is shown."""
    app = AppTest.from_function(_page).run()
    assert not app.exception
    assert dict(app.query_params) == {"selected": "a"}
    assert app.text[0].value == "30"
