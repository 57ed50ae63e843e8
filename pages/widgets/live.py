"""Live run view: its state every second, everything else where something has changed."""

from __future__ import annotations

import time
from functools import partial
from statistics import median

import pandas as pd
import streamlit as st

from core import engine
from core.domain.run import RunStatus
from core.views import RunView, command_for, python_for, refreshed, run_view
from pages import format as fmt
from pages.figures import calls_figure, palette
from pages.widgets.address import put, settings
from pages.widgets.chart import pareto_chart
from pages.widgets.commands import same_elsewhere
from pages.widgets.event_log import log_of
from pages.widgets.machines import machine_choice
from pages.widgets.measures import measures
from pages.widgets.multiples import multiples
from pages.widgets.page import dark, emphasis, errors_as_words, go, remember, store
from pages.widgets.path import run_path
from pages.widgets.problems import problems
from pages.widgets.recommendation import recommendation_box
from pages.widgets.run_header import (
    cancel_button,
    outcome,
    pause_button,
    progress_bar,
    title,
    without_result,
)
from pages.widgets.selected import selected_candidate
from pages.widgets.setup.again import set_up_again
from pages.widgets.status import RUN
from pages.widgets.table import candidates_table
from pages.widgets.training import training_charts
from pages.widgets.view_options import price_of

POLL_S = 1.0
CALLS_S = 1.0
PATIENCE_S = 10.0
REST = 4.0
"""After a redraw the page rests so many times the processor time it took: it is to watch, not to disturb."""
MOST_REST_S = 10.0


def _results(view: RunView) -> None:
    """Draw the recommendation, the charts and the table, one selection in all of them."""
    select = partial(put, view.run.id, "selected")
    row = view.find(settings(view.run.id, ("selected",)).get("selected"))
    chosen = row.id if row else None
    # One block, whatever is in it: the browser keeps the charts that come after it at their place.
    with st.container():
        machine_choice(view)
        recommendation_box(view, key="live")
    limits, best = view.run.request.limits, view.recommendation.candidate_id
    known = measures(view, limits, price_of(settings(view.run.id, ("price",))))
    if known:
        chart, way = st.columns([3, 2], gap="medium")
        with chart:
            pareto_chart(view, view.candidates, known, selected=chosen, key="live_chart", on_click=select)
        with way:
            run_path(view, height=400)
    elif view.run.status.active:
        _calls(view.run.id)
    if row is not None:
        selected_candidate(row, view)
    if known:
        multiples(view, known, selected=chosen, on_click=select, key="live")
    candidates_table(view, recommended=best, selected=chosen, on_pick=select, key="live_table")


@st.fragment(run_every=CALLS_S)
def _calls(run_id: str) -> None:
    """Draw the baseline's calls as they come in: the first figure takes its time."""
    found = store().live.get(run_id)
    if found is None:
        st.caption("The baseline (your model) comes first; its calls appear here as they are timed.")
        return
    middle = fmt.ms(median(found.ms))
    st.markdown(f"**Baseline (your model), call by call**: {found.calls:,} so far, median {middle}")
    rows, spec = calls_figure(found.ms, found.calls, palette(dark()))
    alt = "Latency of each call of the baseline so far"
    st.vega_lite_chart(pd.DataFrame(rows), spec, theme=None, key="live_calls", alt=alt)


def _control(view: RunView) -> None:
    control = view.control
    if control:
        figure = f"{control.value:.3f}x ({control.low:.3f}–{control.high:.3f})"
        st.caption(
            f":material/balance: A/A control, the baseline timed against itself: {figure}. "
            "It should hold 1: what it misses is the error of the measurement on this machine."
        )


def _look_after(view: RunView) -> None:
    """Start a worker for a run that has none, or mark the run whose worker died."""
    sign = view.run.heartbeat or view.run.created
    if time.time() - sign > PATIENCE_S:
        engine.recover(store())


@st.fragment(run_every=POLL_S)
def _state(drawn: RunView, rest_until: float) -> None:
    """Draw how far the run is; draw the whole page once more when it has moved."""
    with errors_as_words():
        view = refreshed(store(), drawn)
        moved = view.run.revision != drawn.run.revision
        if moved and (time.monotonic() > rest_until or not view.run.status.active):
            st.rerun()
        _look_after(view)
        in_tab(view)
        title(view)
        left, middle, right = st.columns([8, 1, 1], vertical_alignment="center")
        with left:
            progress_bar(view)
        with middle:
            pause_button(view)
        with right:
            cancel_button(view)


def in_tab(view: RunView) -> None:
    """Say in the browser's tab how far the run is, for whoever looks at another one meanwhile."""
    progress = view.progress
    st.set_page_config(page_title=f"{progress.done}/{progress.total} · {view.run.name} · Whetstone")


def _ended(view: RunView) -> None:
    st.set_page_config(page_title=f"{RUN[view.run.status][0]} · {view.run.name} · Whetstone")
    title(view)
    outcome(view)
    progress = view.progress
    text = (
        f"{progress.done} of {progress.total} candidates{without_result(progress)}, "
        f"in {fmt.duration(progress.elapsed_s)}"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":gray[{text}]", width="stretch")
        if st.button("New run", icon=":material/add:", key="again", help="Same model, other settings"):
            remember("run", None)
            set_up_again(view.run.request)
            go("optimize.py", model=view.model.id, **({"data": view.data.id} if view.data else {}))
        kind = emphasis(view.run.status is RunStatus.DONE)
        if view.baseline.latency_ms is not None and st.button(
            "Compare", type=kind, icon=":material/scatter_plot:", key="compare"
        ):
            go("compare.py", run=view.run.id)


def live(run_id: str) -> None:
    """Draw the page of a run, whatever its state."""
    began = time.thread_time()
    view = run_view(store(), run_id, machine=settings(run_id, ("machine",)).get("machine", ""))
    remember("run", run_id)
    head = st.container()
    _results(view)
    rest = min(REST * (time.thread_time() - began), MOST_REST_S)
    if not view.run.status.active:
        _control(view)
        problems(view)
    training_charts(view)
    with head:
        if view.run.status.active:
            _state(view, time.monotonic() + rest)
        else:
            _ended(view)
    log_of(view)
    same_elsewhere(
        command_for(view.model, view.data, view.run.request),
        python_for(view.model, view.data, view.run.request),
    )
