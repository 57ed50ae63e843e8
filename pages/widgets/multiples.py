"""Small multiples: each figure of every candidate, row by row as in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.measurement import Interval
from core.views import Quality, Row, RunView
from pages import format as fmt
from pages.figures import PICK, Mark, Panel, Role, extended, palette, panel_figure
from pages.widgets.chart import clicked
from pages.widgets.facts import hover_facts
from pages.widgets.measures import PERCENT, Measure
from pages.widgets.page import dark
from pages.widgets.points import placed
from pages.widgets.table import standing

ROWS = 30
LEAST_SPAN = 1.0  # percent: less would make differences look large that are nothing
PANELS = ("latency", "throughput", "quality", "size", "memory", "cost")


def _written(row: Row, name: str, value: Interval | None, quality: Quality, active: bool) -> str:
    """Return the figure in the panel's unit, or how the row stands that has none."""
    if row.latency_ms is None:
        # What passes is said once: a word that changes has the browser draw the whole panel anew.
        return standing(row, active) if name == "latency" or row.candidate.status.final else ""
    if value is None:
        return fmt.NONE
    if name != "quality":
        return fmt.significant(value.value)
    if quality == "accuracy" and row.scale.unit != "%":
        return f"{value.value:.4g}"
    return f"{value.value:.{2 if quality == 'signal' else 1}f}"


def _panel_of(view: RunView, measure: Measure) -> Panel:
    """Return the panel of a measure over all rows of the run, whichever of them are shown."""
    values = [value for row in view.candidates if (value := measure.of(row)) is not None]
    percent = measure.bounds == PERCENT
    held = _remembered(f"{view.run.id} {measure.title}", _ends(values, percent))
    span = held and extended(held, PERCENT if percent else None)
    line = measure.of(view.baseline)
    limit = measure.limit if values else None
    return Panel(measure.short, span, line.value if line else None, limit, least=measure.higher)


def _ends(values: Sequence[Interval], percent: bool) -> tuple[float, float] | None:
    if not values:
        return None
    high = max(value.high for value in values)
    low = min(value.low for value in values) if percent else 0.0
    return (min(low, high - LEAST_SPAN) if percent else low), high


def _remembered(key: str, ends: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return `ends`, widened by what the axis showed before: it extends and never shrinks under the eyes."""
    spans: dict[str, tuple[float, float]] = st.session_state.setdefault("spans", {})
    if ends is not None:
        before = spans.get(key, ends)
        spans[key] = min(before[0], ends[0]), max(before[1], ends[1])
    return spans.get(key)


def _marks(
    rows: Sequence[Row], view: RunView, name: str, measure: Measure, placed: Mapping[str, Role]
) -> list[Mark]:
    marks = []
    for row in rows:
        value = measure.of(row)
        hover = hover_facts(row) if row.latency_ms is not None else {"State": row.why}
        text = _written(row, name, value, view.quality, view.run.status.active)
        marks.append(Mark(row.id, row.name, value, text, placed.get(row.id), hover))
    return marks


def _window(rows: Sequence[Row], selected: str | None, key: str) -> Sequence[Row]:
    """Return the rows to show; of very many a page, at first the one with what is selected."""
    if len(rows) <= ROWS:
        return rows
    at = next((index for index, row in enumerate(rows) if row.id == selected), 0)
    page = st.pagination(-(-len(rows) // ROWS), default=1 + at // ROWS, key=f"{key}_page")
    st.caption(f"Rows {(page - 1) * ROWS + 1} to {min(page * ROWS, len(rows))} of {len(rows)}")
    return rows[(page - 1) * ROWS : page * ROWS]


def multiples(
    view: RunView,
    known: Mapping[str, Measure],
    *,
    selected: str | None,
    on_click: Callable[[str], None],
    key: str,
    rows: Sequence[Row] | None = None,
) -> None:
    """Draw the panels; a click on a row calls `on_click` with its id.

    Args:
        view: The run, measured or not.
        known: What is measured, with the limits beyond which the panels are shaded.
        selected: Id of the row to mark.
        on_click: Told the id of a row.
        key: Prefix of the charts' keys.
        rows: Those to show; by default all.
    """
    shown = _window(view.candidates if rows is None else rows, selected, key)
    roles_of, colors = placed(view, known), palette(dark())
    names = [name for name in PANELS if name in known]
    with st.grid(len(names), min_column_width=200, key=f"{key}_panels"):
        for name in names:
            panel = _panel_of(view, known[name])
            data, spec = panel_figure(
                _marks(shown, view, name, known[name], roles_of),
                panel,
                colors,
                color=colors.quality(view.quality == "accuracy"),
                recommended=view.recommendation.candidate_id,
                selected=selected,
            )
            _panel(data, spec, f"{panel.title} of each candidate", on_click, f"{key}_{name}")
    st.caption(
        "One row for each candidate, as in the table. The line through all rows is the baseline; what lies "
        "beyond your limits is shaded; bars are 95 % intervals. A click selects a row."
    )


def _panel(
    data: list[dict[str, Any]], spec: dict[str, Any], alt: str, on_click: Callable[[str], None], key: str
) -> None:
    st.vega_lite_chart(
        pd.DataFrame(data),
        spec,
        theme=None,
        key=key,
        alt=alt,
        on_select=lambda: clicked(key, on_click),
        selection_mode=PICK,
    )
