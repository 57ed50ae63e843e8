"""Candidates without figures: why, what to do, and the button that does it where that is known."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.run import CandidateStatus
from core.views import Row, RunView, remedy
from pages import format as fmt
from pages.widgets.page import errors_as_words, go, store
from pages.widgets.status import CANDIDATE, stage_words

HELP = "Starts a run of its own beside your model, with the other settings of this run."


def problems(view: RunView) -> None:
    """Draw what failed or was skipped, with stage, reason and what to do, those of one reason together."""
    alike: dict[tuple[str, str, str], list[Row]] = {}
    for row in view.candidates:
        error = row.candidate.error
        if error is None:
            continue
        state, done = CANDIDATE[row.candidate.status], row.candidate.status is CandidateStatus.UNMEASURED
        state = state if done else f"{state} {stage_words(error.stage)}".strip()
        alike.setdefault((state, error.message, error.hint), []).append(row)
    if alike:
        st.subheader("Not measured", anchor=False)
    for (state, message, hint), rows in alike.items():
        with st.container(border=True, gap="xsmall"):
            names = ", ".join(f"**{fmt.plain(row.name)}**" for row in rows)
            st.markdown(f"{names} :gray-badge[{state}]")
            st.markdown(fmt.plain(message))
            if hint:
                st.caption(f":material/lightbulb: {fmt.plain(hint)}")
            _another_try(view, rows)


def _another_try(view: RunView, rows: list[Row]) -> None:
    found = remedy(view, rows)
    if found is None:
        return
    label, key = fmt.plain(found.label), f"try_{rows[0].id}"
    if st.button(label, key=key, icon=":material/replay:", help=HELP):
        with errors_as_words():
            go("optimize.py", run=engine.submit(store(), found.request).id)
