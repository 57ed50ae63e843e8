"""What the model is deployed for, and what is recommended for that with its reasons."""

from __future__ import annotations

import streamlit as st

from core.views import Advice, RunView, Scenario, advise
from pages import format as fmt
from pages.widgets.address import on_change
from pages.widgets.component import STATIC

WORDS = {
    Scenario.LATENCY: ("bolt", "Low latency", "Somebody waits for each answer."),
    Scenario.THROUGHPUT: (
        "stacked_bar_chart",
        "Throughput",
        "Many requests at once, as cheaply as possible.",
    ),
    Scenario.BATCH: ("inventory_2", "Batch", "A lot of data that lies there already."),
    Scenario.EDGE: ("smartphone", "Edge", "On a phone or a small computer, without a server."),
    Scenario.SERVERLESS: ("cloud", "Serverless", "Now and then; nothing runs in between."),
}


def scenario(owner: str, chosen: str | None) -> Scenario:
    """Draw the scenarios as cards; the choice is put into the settings of `owner`."""
    known = list(WORDS)
    at = known.index(Scenario(chosen)) if chosen in list(Scenario) else 0
    st.html(STATIC / "cards.css")
    with st.container(key="cards"):
        picked = st.radio(
            "Scenario",
            known,
            at,
            format_func=lambda key: f":material/{WORDS[key][0]}: **{WORDS[key][1]}**",
            captions=[each[2] for each in WORDS.values()],
            label_visibility="collapsed",
            horizontal=True,
            width="stretch",
            **on_change(owner, "scenario", f"{owner}_scenario", lambda key: str(key.value)),
        )
    return picked or known[at]


def recommended(view: RunView, found: Scenario) -> Advice:
    """Draw what is recommended, and why."""
    advice = advise(view, found)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":material/recommend: **{fmt.plain(advice.headline)}**")
        for reason in advice.reasons:
            st.markdown(f":gray[{fmt.plain(reason)}]")
    return advice
