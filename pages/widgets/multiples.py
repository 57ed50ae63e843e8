"""Small multiples: latency, size, quality and memory of every candidate, row by row as in the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.domain.measurement import Interval
from core.domain.run import Limits
from core.views import Quality, Row, RunView, agreement_name
from pages import format as fmt
from pages.figures import Mark, Panel, Role, extended, palette, panel_figure, roles
from pages.widgets.chart import (
    CONFIG,
    PERCENT,
    best,
    clicked_id,
    cost_of,
    hover_lines,
    points_of,
    quality_of,
    size_scale,
    time_scale,
)
from pages.widgets.page import dark
from pages.widgets.table import standing

ROWS = 30
LEAST_SPAN = 1.0  # percent: less would make differences look large that are nothing


def _quality_title(view: RunView) -> str:
    if view.quality == "agreement":
        return f"{agreement_name(view.candidates)} (%)"
    return "Explained variance (%)" if view.quality == "signal" else view.scale.title


@dataclass(frozen=True)
class _Scales:
    """What to multiply milliseconds and megabytes by."""

    time: float
    size: float


def _times(found: Interval | None, scale: float) -> Interval | None:
    return found and Interval(found.value * scale, found.low * scale, found.high * scale)


def _figures(row: Row, quality: Quality, scales: _Scales) -> dict[str, Interval | None]:
    """Return each panel's figure of a row, in the panel's unit."""
    return {
        "latency": _times(row.latency_ms, scales.time),
        "size": _times(cost_of(row, "size"), scales.size),
        "quality": quality_of(row, quality),
        "memory": cost_of(row, "memory"),
    }


def _written(row: Row, name: str, quality: Quality, value: Interval | None, active: bool) -> str:
    """Return the figure in the panel's unit, or how the row stands that has none."""
    if row.latency_ms is None:
        # What passes is said once: a word that changes has the browser draw the whole panel anew.
        return standing(row, active) if name == "latency" or row.candidate.status.final else ""
    if value is None:
        return fmt.NONE
    if name != "quality":
        return fmt.significant(value.value)
    return f"{value.value:.{2 if quality == 'signal' else 1}f}"


def _panels(view: RunView, limits: Limits, titles: dict[str, str], scales: _Scales) -> dict[str, Panel]:
    """Return the panels over all rows of the run, whichever of them are shown."""
    known = [_figures(row, view.quality, scales) for row in view.candidates if row.latency_ms is not None]
    base = _figures(view.baseline, view.quality, scales)
    bounds: dict[str, float | None] = {
        "latency": None if limits.max_latency_ms is None else limits.max_latency_ms * scales.time,
        "size": None if limits.max_size_bytes is None else limits.max_size_bytes / 1e6 * scales.size,
        "quality": _least_quality(view, limits),
        "memory": None if limits.max_memory_bytes is None else limits.max_memory_bytes / 1e6,
    }
    panels = {}
    for name, title in titles.items():
        values = [value for row in known if (value := row[name]) is not None]
        percent = name == "quality" and (view.quality != "accuracy" or view.scale.unit == "%")
        ends = _ends(values, percent)
        held = _remembered(f"{view.run.id} {title}", ends)
        span = held and extended(held, PERCENT if percent else None)
        line = base[name]
        panels[name] = Panel(
            title, span, line.value if line else None, bounds[name] if values else None, percent
        )
    return panels


def _least_quality(view: RunView, limits: Limits) -> float | None:
    """Return the worst quality that is within the limit, in its unit."""
    if limits.max_drop is None:
        return None
    worse = limits.max_drop if view.quality == "accuracy" and not view.scale.higher else -limits.max_drop
    return best(view.candidates, view.quality) + worse


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
    rows: Sequence[Row], view: RunView, name: str, scales: _Scales, placed: dict[str, Role]
) -> list[Mark]:
    marks = []
    for row in rows:
        value = _figures(row, view.quality, scales)[name]
        lines = hover_lines(row) if row.latency_ms is not None else (row.why,)
        hover = "<br>".join((f"<b>{row.name}</b>", *lines))
        text = _written(row, name, view.quality, value, view.run.status.active)
        marks.append(Mark(row.id, row.name, value, text, placed.get(row.id), hover))
    return marks


def _window(view: RunView, selected: str | None, key: str) -> Sequence[Row]:
    """Return the rows to show; of very many a page, at first the one with what is selected."""
    rows = view.candidates
    if len(rows) <= ROWS:
        return rows
    at = next((index for index, row in enumerate(rows) if row.id == selected), 0)
    page = st.pagination(-(-len(rows) // ROWS), default=1 + at // ROWS, key=f"{key}_page")
    st.caption(f"Rows {(page - 1) * ROWS + 1} to {min(page * ROWS, len(rows))} of {len(rows)}")
    return rows[(page - 1) * ROWS : page * ROWS]


def multiples(
    view: RunView,
    limits: Limits,
    *,
    selected: str | None,
    on_click: Callable[[str], None],
    key: str,
) -> None:
    """Draw the panels; a click on a row calls `on_click` with its id.

    Args:
        view: The run, measured or not.
        limits: Beyond which the panels are shaded.
        selected: Id of the row to mark.
        on_click: Told the id of a row.
        key: Prefix of the charts' keys.
    """
    (unit, time), (size_unit, size) = time_scale(view.candidates), size_scale(view.candidates)
    scales = _Scales(time, size)
    titles = {
        "latency": f"Latency ({unit})",
        "size": f"File ({size_unit})",
        "quality": _quality_title(view),
        "memory": "Memory (MB)",
    }
    rows, panels = _window(view, selected, key), _panels(view, limits, titles, scales)
    placed = roles(points_of(view.candidates, "latency", view.quality))
    colors = palette(dark())
    with st.grid(4, min_column_width=250, key=f"{key}_panels"):
        for name, panel in panels.items():
            figure = panel_figure(
                _marks(rows, view, name, scales, placed),
                panel,
                colors,
                color=colors.quality(view.quality == "accuracy"),
                recommended=view.recommendation.candidate_id,
                selected=selected,
            )
            _panel(figure, f"{panel.title} of {len(rows)} candidates", on_click, f"{key}_{name}")
    st.caption(
        "One row for each candidate, as in the table. The line through all rows is the baseline; what lies "
        "beyond your limits is shaded; bars are 95 % intervals. A click selects a row."
    )


def _panel(figure: Any, alt: str, on_click: Callable[[str], None], key: str) -> None:
    def clicked() -> None:
        found = clicked_id(key)
        if found is not None:
            on_click(found)

    options: dict[str, Any] = {"theme": None, "config": CONFIG, "key": key, "alt": alt}
    st.plotly_chart(figure, on_select=clicked, selection_mode="points", **options)
