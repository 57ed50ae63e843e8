"""How many candidates a run has and how long it takes, and its start."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import engine
from core.domain.run import RunRequest
from core.errors import WhetstoneError
from pages import format as fmt
from pages.widgets.page import errors_as_words, go, show_error, store
from pages.widgets.presets import planned


def summary(request: RunRequest, by_hand: bool) -> bool:
    """Draw the count and the estimate; return whether the run can start."""
    if by_hand and not request.recipes:
        st.info("Tick at least one technique on one runtime.", icon=":material/check_box:")
        return False
    try:
        # With its budget the estimate is the budget: whether that cuts anything off would not show.
        count, seconds, more = planned(replace(request, budget_s=None))
    except WhetstoneError as error:
        show_error(error)
        return False
    if count + more < 1:
        st.warning(
            "Nothing of that can run here. Choose other techniques or runtimes.", icon=":material/block:"
        )
        return False
    added = f" and up to **{more} more** as results come in" if more else ""
    kinds = len(request.measure_on)
    where = f" on **{kinds} kinds of machine**" if kinds > 1 else ""
    text = f"**{fmt.plural(count, 'candidate')}**{where} beside your model{added}, "
    if more and request.budget_s is not None:
        text += f"**{fmt.duration(request.budget_s)}** at most"
    else:
        text += f"**{fmt.roughly(seconds)}**"
    if request.budget_s is not None and request.budget_s < seconds:
        text += (
            f"; the budget of {fmt.duration(request.budget_s)} stops it before, likely good ones come first"
        )
    st.markdown(f":material/timer: {text}.")
    return True


def start(request: RunRequest, ready: bool) -> None:
    """Draw the button, and start the run when it is pressed."""
    if st.button("Run", type="primary", icon=":material/play_arrow:", disabled=not ready, key="run"):
        with errors_as_words():
            go("optimize.py", run=engine.submit(store(), request).id)
