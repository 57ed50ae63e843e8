"""Compare page: Pareto chart, limits, table and side-by-side comparison of a run's candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from core.domain.run import Limits
from core.views import Row, RunView, command_for, python_for, run_view
from pages.widgets.address import ON, RUN, on_change, put, settings
from pages.widgets.chart import COSTS, pareto_chart
from pages.widgets.commands import same_elsewhere
from pages.widgets.limits import limits_form, limits_set
from pages.widgets.machines import machine_choice
from pages.widgets.multiples import multiples
from pages.widgets.page import current, empty, go, store
from pages.widgets.recommendation import recommendation_box
from pages.widgets.run_header import outcome, title
from pages.widgets.selected import selected_candidate
from pages.widgets.share import share
from pages.widgets.side_by_side import side_by_side
from pages.widgets.table import candidates_table, problems
from pages.widgets.tradeoffs import price_list


def draw_limits(view: RunView, limits: Limits) -> None:
    """Draw the limits beside the chart."""
    row = view.baseline
    latency = round(row.latency_ms.value / 2, 2) if row.latency_ms else 5.0
    size = round((row.size_bytes or 10_000_000) / 2e6, 1) or 0.1
    st.markdown("**Limits**")
    limits_form(
        limits,
        quality=view.quality,
        latency_ms=latency,
        size_mb=size,
        owner=view.run.id,
        scale=view.scale,
        usual=view.run.request.limits.max_drop or 1.0,
    )
    if limits != view.run.request.limits:
        st.caption("Not the limits the run was started with; nothing has to be measured again.")


def nothing_measured(view: RunView) -> None:
    """Draw a run without any figure."""
    outcome(view)
    box = empty("scatter_plot", "Nothing to compare yet", "No candidate of this run has been measured.")
    if view.run.status.active and box.button("Watch the run", key="watch", icon=":material/visibility:"):
        go("optimize.py", run=view.run.id)
    problems(view.candidates)


def state(view: RunView) -> None:
    """Say how the run stands, with the way to the live page while it goes on."""
    if view.run.status.active:
        st.page_link(
            "optimize.py",
            label="Still running: watch it",
            query_params={"run": view.run.id},
        )
    outcome(view)


def controls(view: RunView, held: Mapping[str, str]) -> tuple[str, bool]:
    """Draw what the chart shows; return the horizontal axis and whether to zoom in."""
    owner, axis = view.run.id, held.get("axis", "latency")
    axis = st.segmented_control(
        "Horizontal axis",
        list(COSTS),
        default=axis if axis in COSTS else "latency",
        required=True,
        format_func=str.capitalize,
        **on_change(owner, "axis", f"{owner}_axis"),
    )
    zoom = st.toggle(
        "Zoom in on the Pareto front",
        value=held.get("zoom") == ON,
        help="Ends the axis a little behind the front, so that close candidates can be told apart.",
        **on_change(owner, "zoom", f"{owner}_zoom", lambda on: ON if on else None),
    )
    return str(axis), zoom


def show(run_id: str) -> None:
    """Draw a run."""
    held = settings(run_id, RUN)
    kind = held.get("machine", "")
    view = run_view(store(), run_id, lambda run: limits_set(run.request.limits, held), kind)
    limits = view.limits
    title(view)
    machine_choice(view)
    if not any(row.latency_ms for row in view.candidates):
        nothing_measured(view)
        return
    state(view)
    recommendation_box(view, key="compare")
    row = view.find(held.get("selected"))
    chart, side = st.columns([7, 3], gap="medium")
    with side:
        draw_limits(view, limits)
        axis, zoom = controls(view, held)
        price_list(view, limits)
    with chart:
        points(view, row, limits, axis, zoom)
        if row is not None:
            selected_candidate(row, view)
        else:
            st.caption("Click a point or a row to select a candidate.")
    multiples(view, limits, selected=row.id if row else None, on_click=select(view.run.id), key="compare")
    details(view, row, held.get("other"))


def select(run_id: str) -> Callable[[str | None], None]:
    """Return what puts a selection into the address."""
    return partial(put, run_id, "selected")


def points(view: RunView, row: Row | None, limits: Limits, axis: str, zoom: bool) -> None:
    """Draw the chart with `row` selected."""
    pareto_chart(
        [each for each in view.candidates if each.latency_ms is not None],
        limits,
        view.quality,
        recommended=view.recommendation.candidate_id,
        selected=row.id if row else None,
        axis=axis,
        zoom=zoom,
        on_click=select(view.run.id),
        key="compare_chart",
        height=520,
    )


def details(view: RunView, row: Row | None, other: str | None) -> None:
    """Draw the table, `row` beside the baseline, what went wrong, and how to do the same elsewhere."""
    st.subheader("Candidates", anchor=False)
    candidates_table(
        view,
        recommended=view.recommendation.candidate_id,
        selected=row.id if row else None,
        on_pick=select(view.run.id),
        key="compare_table",
    )
    side_by_side(view, row, other)
    problems(view.candidates)
    asked = (view.model, view.data, view.run.request)
    share(view)
    same_elsewhere(command_for(*asked), python_for(*asked))


chosen = current("run")
if chosen:
    show(chosen)
else:
    box = empty("scatter_plot", "No run to compare", "Start one, or open one from the history.")
    with box, st.container(horizontal=True, horizontal_alignment="center"):
        st.page_link("runs.py", label="History")
        st.page_link("start.py", label="Start")
