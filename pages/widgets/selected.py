"""Summary card of the selected candidate."""

from __future__ import annotations

import streamlit as st

from core.views import Row, RunView, why_dominated
from pages import format as fmt
from pages.widgets.learn_link import learn_recipe
from pages.widgets.page import go


def selected_candidate(row: Row, view: RunView) -> None:
    """Draw the selected candidate in short."""
    with st.container(border=True, gap="xsmall"):
        star = " :orange[:material/star:]" if row.id == view.recommendation.candidate_id else ""
        st.markdown(f":material/check_box: **{fmt.plain(row.name)}**{star}")
        if row.latency_ms is not None:
            speed = f" · {fmt.times(row.speedup)}" if row.candidate.position else ""
            st.markdown(f"{fmt.milliseconds(row.latency_ms)}{speed}")
        st.caption(fmt.plain(row.why))
        if reason := why_dominated(row, view.candidates):
            st.caption(fmt.plain(reason))
        if about := learn_recipe(row.candidate.recipe):
            st.caption(f":material/school: {about}")
        if st.button("Details", icon=":material/info:", key="about_selected", width="stretch"):
            go("candidate.py", candidate=row.id)
