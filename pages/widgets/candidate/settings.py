"""Sweep of batch sizes and threads on demand: throughput against latency, and the best setting in a limit."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import engine
from core.domain.sweep import Setting, Sweep
from core.views import CandidateView
from pages import format as fmt
from pages.figures import palette, sweep_figure
from pages.widgets.background import going_on, start
from pages.widgets.page import dark, store
from pages.widgets.plot import plot

LIMITS: dict[str, float | None] = {
    "no limit": None,
    "10 ms, interactive": 10.0,
    "100 ms, real time": 100.0,
    "1 s, batch": 1000.0,
}


def settings_sweep(view: CandidateView) -> None:
    """Draw the settings that were measured, or the button that measures them."""
    st.subheader("Batch size and threads", anchor=False)
    id = view.row.id
    key, found = f"sweep_{id}", engine.stored_sweep(store(), id)
    busy = going_on(key)
    if found is None and not busy:
        st.markdown(
            "Which batch size and how many threads give the most samples per second within a latency? Every "
            "combination is timed for half a second, when no other measurement has the machine."
        )
    if found is not None:
        _shown(found, id)
    label = "Measure again" if found is not None else "Measure all settings"
    if st.button(label, icon=":material/speed:", key=f"{key}_start", disabled=busy, help=_why_not(busy)):
        start(key, partial(engine.sweep, store(), id))
        st.rerun()


def _why_not(busy: bool) -> str | None:
    return "It is being measured." if busy else None


@st.fragment
def _shown(found: Sweep, id: str) -> None:
    """Draw the curve, and the best setting within the limit that is chosen."""
    picked = st.segmented_control("Latency limit", list(LIMITS), default="no limit", key=f"limit_{id}")
    limit = LIMITS[picked or "no limit"]
    best = found.best(limit)
    figure = sweep_figure(found.settings, best, limit, palette(dark()))
    plot(figure, key="sweep", alt="Throughput against latency")
    st.markdown(_best(best) if best else "No setting keeps to this limit.")
    told = [f"Numbers at the points are batch sizes. {found.skipped}".strip(), found.energy]
    st.caption(fmt.plain(" ".join(told)))


def _best(best: Setting) -> str:
    slow = f", 95 of 100 within {fmt.ms(best.p95_ms)}" if best.p95_ms is not None else ""
    energy = f", {fmt.significant(1000 * best.joules)} mJ a sample" if best.joules is not None else ""
    threads = fmt.plural(best.threads, "thread")
    return (
        f"**Best: batch {best.batch} with {threads}** – {best.per_s:,.0f} samples/s at "
        f"{fmt.ms(best.p50_ms)} a call{slow}{energy}."
    )
