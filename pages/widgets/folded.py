"""Expanders whose content is made and sent to the browser once they are open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


@st.fragment
def folded(label: str, draw: Callable[[], None], *, icon: str, key: str) -> None:
    """Draw an expander that calls `draw` for what is in it.

    Highlighted code is a thousand elements for a run of many candidates: a browser makes them even where
    nobody sees them.
    """
    box = st.expander(label, icon=icon, key=key, on_change="rerun")
    if box.open:
        with box:
            draw()
