"""Compare page: a run's candidates by any two figures, in a table, against each other and another run's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.domain.run import CandidateStatus, Limits
from core.views import Row, RunView, command_for, python_for, run_view, runs
from pages import format as fmt
from pages.figures import CROWDED, Role
from pages.widgets.address import RUN, number, on_change, put, settings
from pages.widgets.chart import Shown, pareto_chart
from pages.widgets.chart_image import chart_image
from pages.widgets.commands import same_elsewhere
from pages.widgets.glossary import glossary
from pages.widgets.limits import MOST, half, limits_form, limits_set
from pages.widgets.machines import machine_choice
from pages.widgets.measures import Measure, measures
from pages.widgets.multiples import multiples
from pages.widgets.other_run import other_run
from pages.widgets.page import current, empty, go, store
from pages.widgets.parallel import parallel
from pages.widgets.points import placed
from pages.widgets.problems import problems
from pages.widgets.recommendation import recommendation_box
from pages.widgets.run_header import outcome, title
from pages.widgets.selected import selected_candidate
from pages.widgets.share import share
from pages.widgets.side_by_side import side_by_side
from pages.widgets.table import candidates_table
from pages.widgets.tradeoffs import price_list
from pages.widgets.view_options import axes, filtered

RECENT = 6


def draw_limits(view: RunView, limits: Limits) -> None:
    """Draw the limits beside the chart."""
    row = view.baseline
    latency = half(row.latency_ms.value) if row.latency_ms else 5.0
    size = half((row.size_bytes or 10_000_000) / 1e6)
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
    problems(view)


def state(view: RunView) -> None:
    """Say how the run stands, with the way to the live page while it goes on."""
    if view.run.status.active:
        st.page_link(
            "optimize.py",
            label="Still running: watch it",
            query_params={"run": view.run.id},
        )
    outcome(view)


def show(run_id: str) -> None:
    """Draw a run."""
    held = settings(run_id, RUN)
    kind = held.get("machine", "")
    view = run_view(store(), run_id, lambda run: limits_set(run.request.limits, held), kind)
    title(view)
    machine_choice(view)
    if not any(row.latency_ms for row in view.candidates):
        nothing_measured(view)
        return
    state(view)
    recommendation_box(view, key="compare")
    known = measures(view, view.limits, number(held.get("price"), 0.0, MOST))
    roles = placed(view, known)
    shown, rows = options(view, known, roles, held)
    row = view.find(held.get("selected"))
    chart, side = st.columns([7, 3], gap="medium")
    with side:
        draw_limits(view, view.limits)
        price_list(view, view.limits)
    with chart:
        pareto_chart(
            view, rows, known, selected=row.id if row else None, shown=shown, on_click=select(run_id),
            key="compare_chart", height=500,
        )  # fmt: skip
        hints(len(rows) > CROWDED)
        if row is not None:
            selected_candidate(row, view)
    candidates_table(
        view,
        recommended=view.recommendation.candidate_id,
        selected=row.id if row else None,
        on_pick=select(run_id),
        rows=rows,
        key="compare_table",
    )
    parts(Comparison(view, rows, known, roles, shown, row, held))
    problems(view)
    asked = (view.model, view.data, view.run.request)
    share(view)
    same_elsewhere(command_for(*asked), python_for(*asked))


def select(run_id: str) -> Callable[[str | None], None]:
    """Return what puts a selection into the address."""
    return partial(put, run_id, "selected")


def options(
    view: RunView, known: Mapping[str, Measure], roles: Mapping[str, Role], held: Mapping[str, str]
) -> tuple[Shown, list[Row]]:
    """Draw what the chart shows and which candidates; return both."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="view_options"):
        shown = axes(view, known, held)
        rows = filtered(view, roles, held)
    if len(rows) < len(view.candidates):
        st.caption(f"{len(rows)} of {fmt.plural(len(view.candidates), 'candidate')} pass the filters.")
    return shown, rows


def hints(crowded: bool) -> None:
    """Say what the marks mean and how to look closer."""
    few = ", of dominated candidates only when selected" if crowded else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Larger markers are larger files; crosses are 95 % intervals{few}. Drag to move, Ctrl and the "
            "wheel zoom, a double click goes back.",
            width="stretch",
        )
        chart_image("compare_chart", name="comparison")
        glossary()


@dataclass(frozen=True)
class Comparison:
    """What the parts below the table draw."""

    view: RunView
    rows: Sequence[Row]
    known: Mapping[str, Measure]
    roles: Mapping[str, Role]
    shown: Shown
    row: Row | None
    held: Mapping[str, str]


def panels(found: Comparison) -> None:
    """Draw the small multiples, without what was passed over: its reason stands in the table."""
    row, owner = found.row, found.view.run.id
    chosen = row.id if row else None
    rows = [each for each in found.rows if each.candidate.status is not CandidateStatus.SKIPPED]
    multiples(found.view, found.known, selected=chosen, on_click=select(owner), rows=rows, key="compare")
    if without := len(found.rows) - len(rows):
        st.caption(f"{fmt.plural(without, 'skipped candidate')} left out.")


def lines(found: Comparison) -> None:
    """Draw the parallel coordinates."""
    row, owner = found.row, found.view.run.id
    chosen, about = row.id if row else None, (found.view, found.rows, found.known, found.roles)
    parallel(*about, shown=found.shown, selected=chosen, on_click=select(owner))


PARTS: Mapping[str, tuple[str, Callable[[Comparison], None]]] = {
    "figures": ("Figure by figure", panels),
    "lines": ("All figures at once", lines),
    "pair": ("Two candidates", lambda found: side_by_side(found.view, found.row, found.held.get("other"))),
    "run": ("Another run", lambda found: other_run(found.view, found.held.get("against"))),
}


def parts(found: Comparison) -> None:
    """Draw the parts as tabs, of which only the open one is computed."""
    owner = found.view.run.id
    labels = {label: name for name, (label, _) in PARTS.items()}
    chosen = PARTS.get(found.held.get("part", ""), PARTS["figures"])[0]
    about = on_change(owner, "part", f"{owner}_part", labels.get)
    for (_, draw), tab in zip(PARTS.values(), st.tabs(list(labels), default=chosen, **about), strict=True):
        if tab.open:
            with tab:
                draw(found)


def no_run() -> None:
    """Draw the page without a run: the newest to choose from, where there are some."""
    known = [each for each in runs(store(), RECENT) if each.done]
    if known:
        box = empty("scatter_plot", "Choose a run", "Every candidate of it is compared here.")
    else:
        box = empty("scatter_plot", "No run to compare", "Run the demo or a model first.")
    with box, st.container(horizontal=True, horizontal_alignment="center"):
        names = fmt.apart([each.name for each in known], [fmt.ago(each.created) for each in known])
        for run, name in zip(known, names, strict=True):
            if st.button(
                fmt.plain(name),
                key=f"known_{run.id}",
                icon=":material/scatter_plot:",
                help=fmt.ago(run.created),
            ):
                go("compare.py", run=run.id)
    with box, st.container(horizontal=True, horizontal_alignment="center"):
        if known:
            st.page_link("runs.py", label="All runs")
        st.page_link("start.py", label="Start")


chosen = current("run")
if chosen:
    show(chosen)
else:
    no_run()
