"""The Pareto chart on a page: rows become points, and a click becomes an id in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.domain.measurement import Interval
from core.domain.run import Limits
from core.figures import Axis, Point, palette, pareto_figure
from core.views import Quality, Row
from pages.widgets import format as fmt
from pages.widgets.page import dark
from pages.widgets.words import words

CONFIG = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False, "responsive": True}
COSTS = {"latency": "Latency (ms)", "size": "File size (MB)", "memory": "Memory (MB)"}


QUALITIES: dict[Quality, str] = {
    "accuracy": "Accuracy (%)",
    "agreement": "Fidelity: same answer as your model (%)",
    "signal": "Fidelity: signal without error (%)",
}


def _best(rows: Sequence[Row], quality: Quality) -> float:
    """Return the baseline's quality, from which the limit counts down."""
    known = [row.accuracy for row in rows if row.accuracy is not None]
    if quality != "accuracy" or not known:
        return 100.0
    base = next((row.accuracy for row in rows if row.candidate.position == 0), None)
    return known[0] if base is None else base


def _exact(value: float) -> Interval:
    return Interval(value, value, value)


def _cost(row: Row, axis: str) -> Interval | None:
    if axis == "latency":
        return row.latency_ms
    amount = row.size_bytes if axis == "size" else row.memory_bytes
    return None if amount is None else _exact(amount / 1e6)


def _quality(row: Row, quality: Quality) -> Interval | None:
    if quality == "agreement":
        return row.agreement
    if quality == "signal":
        return _exact(100 - row.noise_share)
    if row.accuracy is None:
        return None
    if row.candidate.position == 0 or row.drop is None:
        return _exact(row.accuracy)
    worse, better = row.drop.high - row.drop.value, row.drop.value - row.drop.low
    return Interval(row.accuracy, row.accuracy - worse, row.accuracy + better)


def hover_lines(row: Row) -> tuple[str, ...]:
    """Return everything worth reading about a row, one figure a line."""
    lines = [f"Latency {fmt.milliseconds(row.latency_ms)}"]
    if row.candidate.position:
        lines.append(f"Speed-up {fmt.times(row.speedup)}")
    if row.accuracy is not None:
        lines.append(f"Accuracy {fmt.percent(row.accuracy)}, {fmt.change(row.drop)}")
    elif row.agreement is not None:
        lines.append(f"Same answer as your model {fmt.agreement(row.agreement)}")
    lines.append(f"Signal to noise {fmt.decibel(row.sqnr_db)}")
    lines.append(f"File {fmt.size(row.size_bytes)}, memory {fmt.size(row.memory_bytes)}")
    if row.candidate.result is not None and row.candidate.result.timing.unstable:
        lines.append("Unstable: the interval is wider than ±3 %")
    return tuple(lines)


def points_of(rows: Sequence[Row], axis: str, quality: Quality) -> list[Point]:
    """Return the rows that have a figure on both axes."""
    points = []
    for row in rows:
        x, y = _cost(row, axis), _quality(row, quality)
        if x is not None and y is not None:
            base = row.candidate.position == 0
            points.append(Point(row.id, row.name, x, y, row.size_bytes or 0, hover_lines(row), base))
    return points


def _axes(axis: str, quality: Quality, best: float, limits: Limits) -> tuple[Axis, Axis]:
    y = Axis(QUALITIES[quality])
    if limits.max_drop is not None:
        points = fmt.signed(-limits.max_drop)
        y = Axis(QUALITIES[quality], best - limits.max_drop, f"your limit: {points} points")
    x_limit = {"latency": limits.max_latency_ms, "size": limits.max_size_bytes}.get(axis)
    if axis == "size" and x_limit is not None:
        x_limit = x_limit / 1e6
    return Axis(COSTS[axis], x_limit, "your limit"), y


def pareto_chart(
    rows: Sequence[Row],
    limits: Limits,
    quality: Quality,
    *,
    recommended: str | None,
    selected: str | None,
    axis: str = "latency",
    zoom: bool = False,
    on_click: Callable[[str], None] | None = None,
    key: str = "pareto",
    height: int = 460,
) -> None:
    """Draw the chart; a click on a point calls `on_click` with its id.

    The figure is the same object for the same results, so the browser redraws it only when something
    in it has changed; the page owns the selection and passes it in.
    """
    points = points_of(rows, axis, quality)
    x, y = _axes(axis, quality, _best(rows, quality), limits)
    figure = pareto_figure(
        points,
        x,
        y,
        palette(dark()),
        labelled=quality == "accuracy",
        recommended=recommended,
        selected=selected,
        zoom=zoom,
        height=height,
    )

    def clicked() -> None:
        state: Any = st.session_state.get(key)
        found = state.selection.points if state else []
        data = found[0].get("customdata") if found else None
        if data and on_click is not None:
            on_click(str(data[0] if isinstance(data, (list, tuple)) else next(iter(data.values()))))

    name = f"{QUALITIES[quality]} against {COSTS[axis]} of {len(points)} measured candidates"
    options: dict[str, Any] = {"theme": None, "config": CONFIG, "key": key, "alt": name}
    if on_click is not None:
        options |= {"on_select": clicked, "selection_mode": "points"}
    st.plotly_chart(figure, **options)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Bars are 95 % intervals; larger markers are larger files.", width="stretch")
        words()
