"""Toolchains with their installation, which goes on whatever becomes of the page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import BackendMissing
from core.toolchains.environments import State, state_of
from core.toolchains.installing import begin, installation
from core.toolchains.lists import Toolchain
from pages import format as fmt
from pages.routes.hosts import exposed
from pages.widgets.page import errors_as_words

POLL_S = 2.0


def toolchains(found: Sequence[tuple[Toolchain, State]]) -> None:
    """Draw each toolchain, and for one that is not ready the button and the line that make it."""
    st.subheader("Toolchains", anchor=False)
    st.caption("Libraries that clash with the runtimes' own, each kind in an environment of its own.")
    for each, state in found:
        going = installation(each)
        if going is not None and going.running:
            _progress(each)
            continue
        ready = state is State.READY
        icon = ":green[:material/check_circle:]" if ready else ":gray[:material/download:]"
        about = f"{fmt.plain(each.summary)} ({fmt.size(each.size_gb * 1e9)})"
        st.markdown(f"{icon} **{fmt.plain(each.name)}** :gray-badge[{state}]  \n:gray[{about}]")
        if ready:
            continue
        if going is not None and going.lines:
            st.error(f"**The last installation did not finish.**\n\n{fmt.plain(' '.join(going.lines[-2:]))}")
        _button(each)
        st.code(f"whetstone doctor --install {each.id}", language="bash")


def _button(each: Toolchain) -> None:
    reason = _why_not(each)
    about = (
        f"Fetches {fmt.size(each.size_gb * 1e9)} into the data folder; it goes on when you leave the page."
    )
    if st.button(
        "Install",
        key=f"install_{each.id}",
        icon=":material/download:",
        disabled=bool(reason),
        help=reason or about,
    ):
        with errors_as_words():
            begin(each)
            st.rerun()
    if reason:
        st.caption(fmt.plain(reason))


def _why_not(each: Toolchain) -> str:
    try:
        each.check_platform()
    except BackendMissing as error:
        return error.message
    return (
        "Others can reach this dashboard, so it is installed on the command line only." if exposed() else ""
    )


@st.fragment(run_every=POLL_S)
def _progress(each: Toolchain) -> None:
    going = installation(each)
    if going is None or not going.running:
        st.rerun()
    state = state_of(each)
    with st.status(f"Installing {fmt.plain(each.name)} ({state})", expanded=True):
        st.code(
            "\n".join(going.lines) if going and going.lines else "Starting", language=None, wrap_lines=True
        )
