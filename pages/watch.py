"""Watch page: what a running service does, by its address or its prediction log."""

from __future__ import annotations

import time

import streamlit as st

from core import engine
from core.domain.watching import Watched
from core.views import watch_command, watch_python
from pages import format as fmt
from pages.routes.hosts import exposed
from pages.widgets.commands import same_elsewhere
from pages.widgets.page import current, emphasis, empty, errors_as_words, remember, store
from pages.widgets.watch.drift import predictions
from pages.widgets.watch.traffic import arms, traffic

EVERY_S = 5.0
ASKED, TARGET = "watch_asked", "watch_target"


def asked() -> None:
    """Note that a person wants this address watched."""
    st.session_state[ASKED] = st.session_state[TARGET].strip()


def choose() -> tuple[str, str, bool]:
    """Draw what is watched, its key, and whether the page goes on looking; return them.

    An address that a link brought along is filled in and waits for a click: to open a link should not make
    this server ask others.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = st.text_input(
            "Address" if exposed() else "Address or prediction log",
            current("service") or "",
            placeholder="http://127.0.0.1:8000",
            help="Of a service made with the option Prediction log and drift"
            + ("." if exposed() else ", or the path of its folder or of its state/predictions.db."),
            key=TARGET,
            on_change=asked,
        ).strip()
        key = st.text_input("API key", type="password", help="Where the service asks for one.", width=240)
        new = bool(target) and st.session_state.get(ASKED) != target
        st.button(
            "Watch",
            icon=":material/monitoring:",
            key="watch",
            type=emphasis(new),
            on_click=asked,
            disabled=not target,
            help=None if target else "Name an address first.",
        )
        live = st.toggle("Live", True, help=f"Looks every {EVERY_S:.0f} seconds.")
    remember("service", target or None)
    if target:
        st.query_params["service"] = target
    return target, key, live


def alerts(found: Watched) -> None:
    """Draw the alerts that are on."""
    for alert in found.alerts:
        st.error(
            f"**{fmt.plain(alert.rule.capitalize())}**: {fmt.plain(alert.message)}",
            icon=":material/notifications_active:",
        )


def watched(target: str, key: str) -> None:
    """Look, and draw what was found."""
    with st.spinner("Looking", show_time=False) if "watched" not in st.session_state else st.empty():
        found = engine.watch(store(), target, key, exposed=exposed())
    st.session_state["watched"] = True
    st.markdown(f"## {fmt.plain(found.name)}", anchors=False)
    st.caption(time.strftime("Seen at %H:%M:%S UTC", time.gmtime(found.time)))
    alerts(found)
    traffic(found)
    if not found.arms:
        st.info("No prediction was logged yet.", icon=":material/hourglass:")
        return
    if len(found.arms) == 1:
        predictions(found, found.arms[0])
        return
    st.subheader("Versions side by side", anchor=False)
    arms(found.arms)
    names = {each.name: each for each in found.arms}
    chosen = st.segmented_control(
        "Version", list(names), default=next(iter(names)), format_func=fmt.plain, key="arm"
    )
    predictions(found, names[chosen or next(iter(names))])


target, key, live = choose()
if target and st.session_state.get(ASKED) == target:

    @st.fragment(run_every=EVERY_S if live else None)
    def look() -> None:
        with errors_as_words():
            watched(target, key)

    look()
    same_elsewhere(watch_command(target), watch_python(target))
elif target:
    empty("monitoring", "Nothing is watched yet", f"Press Watch to ask {fmt.plain(target)}.")
else:
    with empty(
        "monitoring",
        "Nothing is watched",
        "Name the address of a service that was made with the option Prediction log and drift.",
    ):
        st.page_link("deploy.py", label="Deploy")
