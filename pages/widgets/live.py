"""A run while it happens: polled every two seconds, redrawn where something has changed."""

from __future__ import annotations

import time

import streamlit as st

from core import engine
from core.domain.run import RunStatus
from core.views import RunView, command_for, python_for, run_view
from pages.widgets import format as fmt
from pages.widgets.chart import pareto_chart
from pages.widgets.commands import same_elsewhere
from pages.widgets.page import emphasis, errors_as_words, go, remember, store
from pages.widgets.recommendation import recommendation_box
from pages.widgets.run_header import cancel_button, outcome, progress_bar, title
from pages.widgets.setup import set_up_again
from pages.widgets.table import candidates_table, problems

POLL_S = 2.0
PATIENCE_S = 10.0


def _results(view: RunView) -> None:
    """Draw what is known so far: the recommendation, the chart and the table."""
    measured = [row for row in view.candidates if row.latency_ms is not None]
    recommendation_box(view, key="live")
    if not measured:
        if view.run.status.active:
            st.caption("The baseline comes first; points appear here as they are measured.")
            st.skeleton(height=320)
        return
    pareto_chart(
        measured,
        view.run.request.limits,
        view.quality,
        recommended=view.recommendation.candidate_id,
        selected=None,
        key="live_chart",
        on_click=lambda candidate: st.session_state.update(open_candidate=candidate),
    )


def _control(view: RunView) -> None:
    control = view.run.control
    if control:
        low, high = control["low"], control["high"]
        figure = f"{control['value']:.3f}x ({low:.3f}–{high:.3f})"
        st.caption(
            f":material/balance: Your model timed against itself: {figure}. "
            "That is the error of this stopwatch on this machine."
        )


def _look_after(view: RunView) -> None:
    """Start a worker for a run that has none, or mark the run whose worker died."""
    sign = view.run.heartbeat or view.run.created
    if time.time() - sign > PATIENCE_S:
        engine.recover(store())


@st.fragment(run_every=POLL_S)
def _watch(run_id: str) -> None:
    """Draw an active run again and again; when it ends, draw the whole page once more."""
    with errors_as_words():
        view = run_view(store(), run_id)
        if not view.run.status.active:
            st.rerun()
        _look_after(view)
        title(view)
        left, right = st.columns([8, 1], vertical_alignment="center")
        with left:
            progress_bar(view)
        with right:
            cancel_button(view)
        _results(view)
        candidates_table(view, recommended=view.recommendation.candidate_id, key="live_table")


def _ended(view: RunView) -> None:
    outcome(view)
    progress = view.progress
    text = f"{progress.done} of {progress.total} candidates in {fmt.duration(progress.elapsed_s)}"
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
    _results(view)
    candidates_table(view, recommended=view.recommendation.candidate_id, key="ended_table")
    _control(view)
    problems(view.candidates)


def live(run_id: str) -> None:
    """Draw the page of a run, whatever its state."""
    view = run_view(store(), run_id)
    remember("run", run_id)
    if view.run.status.active:
        _watch(run_id)
    else:
        title(view)
        _ended(view)
    if "open_candidate" in st.session_state:
        go("candidate.py", candidate=st.session_state.pop("open_candidate"))
    same_elsewhere(
        command_for(view.model, view.data, view.run.request),
        python_for(view.model, view.data, view.run.request),
    )
