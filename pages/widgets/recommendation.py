"""The one sentence a run is for, and the way to the download."""

from __future__ import annotations

import streamlit as st

from core.views import RunView
from pages.widgets import format as fmt
from pages.widgets.downloader import download_kit
from pages.widgets.page import go
from pages.widgets.status import UNSTABLE

SURE = (
    "Sure: the whole interval of the loss is within your limit. Likely: only its middle is. Unstable speed: "
    "something disturbed the measurement, and the speed-up may be another on a quiet machine."
)


def _trust(view: RunView) -> str:
    """Return one badge on how far the recommendation can be trusted; an unstable speed is not sure."""
    chosen = view.find(view.recommendation.candidate_id)
    if chosen and chosen.candidate.result and chosen.candidate.result.timing.unstable:
        return UNSTABLE
    if view.recommendation.sure:
        return ":green-badge[:material/verified: Sure]"
    return ":orange-badge[:material/help: Likely]"


def _collapsed(view: RunView) -> None:
    """Say once that figures on these inputs mean little, unless the sentence above says it."""
    results = [row.candidate.result for row in view.candidates if row.candidate.position]
    found = next((each.fidelity.collapsed for each in results if each and each.fidelity.collapsed), "")
    if found and found not in view.recommendation.sentence:
        st.warning(fmt.plain(found), icon=":material/warning:")


def recommendation_box(view: RunView, *, key: str) -> None:
    """Draw what is recommended, how sure that is, and what would settle it; nothing while unknown."""
    _recommended(view, key)
    _collapsed(view)


def _recommended(view: RunView, key: str) -> None:
    found = view.recommendation
    if found.candidate_id is None:
        known = [row for row in view.candidates if row.latency_ms is not None]
        if len(known) < 2:
            return
        if found.sentence:
            st.info(fmt.plain(found.sentence), icon=":material/search_off:")
        if found.near_miss and st.button(
            "See the nearest miss", key=f"near_{key}", icon=":material/near_me:"
        ):
            go("candidate.py", candidate=found.near_miss)
        return
    so_far = " so far" if view.run.status.active else ""
    with st.container(border=True, key=f"recommended_{key}"):
        st.markdown(f":orange[:material/star:] **Recommended{so_far}** {_trust(view)}", help=SURE)
        st.markdown(f"### {fmt.plain(found.sentence)}", anchors=False)
        with st.container(horizontal=True, vertical_alignment="center"):
            download_kit(found.candidate_id, key=f"kit_{key}")
            if st.button("What is it?", icon=":material/info:", key=f"what_{key}"):
                go("candidate.py", candidate=found.candidate_id)
