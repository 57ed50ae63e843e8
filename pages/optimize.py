"""Optimize page: set up a run and watch it; the address of a run shows the run."""

from __future__ import annotations

import streamlit as st

from core import views
from pages.widgets.live import live
from pages.widgets.page import current, empty, go, store
from pages.widgets.setup.form import setup


def no_model() -> None:
    """Draw the page without a model and without a run."""
    box = empty("bolt", "Nothing to optimize yet", "Take a model first; its page leads here.")
    with box, st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Choose a model", type="primary", icon=":material/deployed_code:", key="to_model"):
            go("model.py")
        if st.button("Run the demo", icon=":material/play_arrow:", key="to_start"):
            go("start.py")


run_id, model_id = st.query_params.get("run"), st.query_params.get("model")
if not run_id and not model_id:
    run_id, model_id = current("run"), None
    model_id = None if run_id else current("model")

if run_id:
    live(run_id)
elif model_id:
    setup(views.model_view(store(), current("model") or model_id))
else:
    no_model()
