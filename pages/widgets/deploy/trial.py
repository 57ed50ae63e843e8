"""Try it here: start the service confined, ask it and load it; what came of it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import engine
from core.domain.service import Trial
from pages import format as fmt
from pages.figures import load_figure, palette
from pages.widgets.background import going_on, start
from pages.widgets.page import dark, emphasis, store
from pages.widgets.plot import plot

BUSY = 0.5
"""Load for each core from which on the figures are worth a warning."""
STAGES = {
    "validate": "read and check the inputs",
    "queue": "wait for the model",
    "inference": "the model",
    "encode": "write the answer",
}


def trial(candidate_id: str, spelled: str, found: Trial | None) -> None:
    """Draw what came of a trial, and the button that makes one."""
    key = f"trial_{candidate_id}_{spelled}"
    busy = going_on(key)
    if found is None and not busy:
        st.markdown(
            "Starts the service in a confined process that answers on this machine alone, sends the golden "
            "inputs and requests that must be refused, loads it with 1 to 64 clients, and stops it. It takes "
            "half a minute."
        )
    if found is not None:
        _shown(found)
    label = "Try it again" if found is not None else "Try it here"
    if st.button(
        label,
        icon=":material/play_arrow:",
        key="try",
        type=emphasis(found is None),
        disabled=busy,
        help="It is being tried." if busy else None,
    ):
        start(key, partial(engine.try_service, store(), candidate_id, spelled))
        st.rerun()


def _shown(found: Trial) -> None:
    alone, most = found.alone, found.most
    with st.container(horizontal=True):
        st.metric(
            "Golden inputs",
            "equal" if found.equal else "differ",
            help=f"{found.golden} inputs, largest difference {found.largest_error:.4%} of the range.",
        )
        st.metric("Most requests/s", f"{most.requests_per_s:,.0f}", help=f"With {most.clients} clients.")
        st.metric(
            "p50, one client", fmt.ms(alone.p50_ms), help=f"A bare call takes {fmt.ms(found.bare_p50_ms)}."
        )
        if alone.p99_ms is not None:
            st.metric("p99, one client", fmt.ms(alone.p99_ms))
        st.metric("Overhead", fmt.ms(found.overhead_ms), help="p50 with one client less a bare call.")
        if found.cached_p50_ms is not None:
            st.metric("Out of the cache", fmt.ms(found.cached_p50_ms))
        st.metric("Memory", fmt.size(found.memory_bytes))
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = load_figure(found.loads, found.bare_p50_ms, palette(dark()))
        plot(figure, key="load", alt="Requests per second under load")
        st.caption("Numbers at the points are clients, each of which asks again as soon as it is answered.")
    with right:
        _stages(found)
    _said(found)
    here = found.environment
    if here.load_before > BUSY * here.cores:
        st.warning(
            f"The machine was busy: a load of {here.load_before:.1f} on {here.cores} cores before it began. "
            "Try it again when it is quiet.",
            icon=":material/warning:",
        )


def _stages(found: Trial) -> None:
    st.markdown("**Where the time of one request goes**")
    known = sum(found.stages.values())
    rows = [(STAGES[name], took) for name, took in found.stages.items() if name in STAGES]
    rows.append(("HTTP, event loop, client", max(0.0, found.alone.p50_ms - known)))
    st.table({"Part": [part for part, _ in rows], "Median": [fmt.ms(took) for _, took in rows]})


def _said(found: Trial) -> None:
    clear = [each for each in found.refusals if each.clear]
    wrong = [
        f"{each.name} got {each.status} in place of {each.wanted}"
        for each in found.refusals
        if not each.clear
    ]
    told = f"{len(clear)} of {len(found.refusals)} wrong requests got a clear error"
    more = f" ({'; '.join(wrong)})" if wrong else ""
    after = "ready" if found.alive else "**not** ready"
    errors = f"{found.errors:,} errors under load" if found.errors else "no errors under load"
    st.caption(
        fmt.plain(
            f"{told}{more}; {errors}; {after} afterwards; ready {found.ready_ms / 1e3:.1f} s after its start."
        )
    )
