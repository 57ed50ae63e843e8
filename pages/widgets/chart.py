"""Pareto chart widget: rows become points, and a click becomes an id in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import streamlit as st

from core.domain.measurement import Doubt, Interval
from core.domain.quality import Scale
from core.domain.run import Limits
from core.views import Quality, Row, agreement_name
from pages import format as fmt
from pages.figures import MOST_BARS, Axis, Point, palette, pareto_figure
from pages.widgets.glossary import glossary
from pages.widgets.page import dark

CONFIG = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False, "responsive": True}
COSTS = {"latency": "Latency", "size": "File size", "memory": "Memory"}
PERCENT = (0.0, 100.0)
NO_BOUNDS = (-inf, inf)
QUALITIES: dict[Quality, str] = {
    "signal": "Fidelity: explained variance (%)",
}


def scale_of(rows: Sequence[Row]) -> Scale:
    """Return how the accuracy of `rows` is read."""
    return next((row.scale for row in rows if row.accuracy is not None), Scale())


def quality_title(rows: Sequence[Row], quality: Quality) -> str:
    """Return the title of the axis of quality, with its unit."""
    if quality == "agreement":
        name = agreement_name(rows)
        return f"Fidelity: {name[:1].lower()}{name[1:]} with the baseline (%)"
    return QUALITIES.get(quality, scale_of(rows).title)


def best(rows: Sequence[Row], quality: Quality) -> float:
    """Return the baseline's quality, from which the limit counts down."""
    known = [row.accuracy for row in rows if row.accuracy is not None]
    if quality != "accuracy" or not known:
        return 100.0
    base = next((row.accuracy for row in rows if row.candidate.position == 0), None)
    return known[0] if base is None else base


def _exact(value: float) -> Interval:
    return Interval(value, value, value)


def fastest_ms(rows: Sequence[Row]) -> float:
    """Return the shortest latency of `rows` in milliseconds; 1 before there is any."""
    return min((row.latency_ms.value for row in rows if row.latency_ms is not None), default=1.0)


def time_scale(rows: Sequence[Row]) -> tuple[str, float]:
    """Return the one unit of time for charts and table of `rows`, and what to multiply milliseconds by."""
    return fmt.time_unit(fastest_ms(rows))


def size_scale(rows: Sequence[Row]) -> tuple[str, float]:
    """Return the one unit of files for charts and table of `rows`, and what to multiply megabytes by."""
    return fmt.size_unit(max((row.size_bytes for row in rows if row.size_bytes is not None), default=1e6))


def cost_of(row: Row, axis: str) -> Interval | None:
    """Return what a row costs on `axis`, in its unit; None where it is not measured."""
    if axis == "latency":
        return row.latency_ms
    amount = row.size_bytes if axis == "size" else row.memory_bytes
    if amount is None:
        return None
    result = row.candidate.result
    spread = result.timing.memory_range if axis == "memory" and result is not None else None
    low, high = spread or (amount, amount)
    return Interval(amount / 1e6, low / 1e6, high / 1e6)


def quality_of(row: Row, quality: Quality) -> Interval | None:
    """Return how good a row is, in percent or the metric's unit, with its interval; None where not known.

    Without labels it is that of the worst output: percent of the answers that are the same or, where there
    are no classes, of the signal that is no error.
    """
    result = row.candidate.result
    if result is None or (quality == "accuracy" and result.accuracy is None):
        return None
    if quality == "accuracy" and result.accuracy is not None:
        return result.accuracy.interval or _exact(result.accuracy.value)
    if row.candidate.position == 0:
        return _exact(100.0)
    lost = result.fidelity.worst.loss
    return Interval(_kept(lost.value), _kept(lost.high), _kept(lost.low))


def output_error(row: Row) -> Interval | None:
    """Return the worst output's error in percent of its variance; None for the baseline and for classes."""
    result = row.candidate.result
    if result is None or not row.candidate.position:
        return None
    worst = result.fidelity.worst
    return None if worst.top1_agreement is not None else worst.loss


def _kept(lost: float) -> float:
    """Return what is left of 100 percent; more noise than signal leaves nothing."""
    return min(100.0, max(0.0, 100 - lost))


def _apart(row: Row, quality: Quality) -> Interval | None:
    """Return the accuracy with the interval of its paired difference from the baseline's."""
    if quality != "accuracy" or row.accuracy is None:
        return None
    if row.drop is None:
        return _exact(row.accuracy)
    if row.change is None:
        return None
    base = row.accuracy - row.change.value
    return Interval(row.accuracy, base + row.change.low, base + row.change.high)


def accuracy_words(row: Row) -> str:
    """Return the accuracy with its own interval and, for all but the baseline, the change with its own."""
    found = quality_of(row, "accuracy")
    if found is None:
        return fmt.NONE
    result, label = row.candidate.result, fmt.score_interval(found, row.scale)
    if not row.candidate.position or result is None:
        return label
    return f"{label}, {fmt.score_change(result.accuracy)}"


def hover_lines(row: Row) -> tuple[str, ...]:
    """Return everything worth reading about a row, one figure a line."""
    lines = [f"Latency {fmt.milliseconds(row.latency_ms)}"]
    if row.candidate.position:
        lines.append(f"Speed-up {fmt.times(row.speedup)}")
    if row.accuracy is not None:
        lines.append(f"{row.scale.label} {accuracy_words(row)}")
    elif row.agreement is not None and row.candidate.position:
        lines.append(f"{agreement_name([row])} {fmt.agreement(row.agreement)}")
    if row.candidate.position and row.candidate.result is not None:
        lines.append(" ".join(fmt.closeness(row.candidate.result.fidelity)))
    lines.append(f"File {fmt.size(row.size_bytes)}, memory {fmt.size(row.memory_bytes)}")
    timing = row.candidate.result.timing if row.candidate.result is not None else None
    if timing is not None and timing.unstable:
        few = timing.doubt is Doubt.FEW_ROUNDS
        lines.append(f"Unstable: {'too few rounds for the time' if few else 'the interval stayed wide'}")
    return tuple(lines)


def points_of(rows: Sequence[Row], axis: str, quality: Quality) -> list[Point]:
    """Return the rows that have a figure on both axes."""
    points = []
    for row in rows:
        x, y = cost_of(row, axis), quality_of(row, quality)
        if x is not None and y is not None:
            base = row.candidate.position == 0
            about = (row.size_bytes or 0, hover_lines(row), base)
            apart, down = _apart(row, quality), quality == "accuracy" and not row.scale.higher
            points.append(Point(row.id, row.name, x, turned(y, down), *about, apart and turned(apart, down)))
    return points


def turned(found: Interval, down: bool) -> Interval:
    """Return `found` so that more is better: negative where less is."""
    return Interval(-found.value, -found.high, -found.low) if down else found


def _in_unit(points: list[Point], scale: float) -> list[Point]:
    return [
        replace(each, x=Interval(each.x.value * scale, each.x.low * scale, each.x.high * scale))
        for each in points
    ]


def _axes(
    axis: str, rows: Sequence[Row], quality: Quality, limits: Limits, unit: str, scale: float
) -> tuple[Axis, Axis]:
    y = _quality_axis(rows, quality, limits)
    sizes = {"size": limits.max_size_bytes, "memory": limits.max_memory_bytes}
    in_mb = {name: None if value is None else value / 1e6 for name, value in sizes.items()}
    x_limit = {"latency": limits.max_latency_ms, **in_mb}.get(axis)
    return Axis(f"{COSTS[axis]} ({unit})", x_limit and x_limit * scale, "your limit"), y


def _quality_axis(rows: Sequence[Row], quality: Quality, limits: Limits) -> Axis:
    scale, title = scale_of(rows), quality_title(rows, quality)
    down = quality == "accuracy" and not scale.higher
    share = quality != "accuracy" or scale.unit == "%"
    y = Axis(
        f"{title}, lower is better" if down else title,
        bounds=PERCENT if share else NO_BOUNDS,
        negative=down,
    )
    if limits.max_drop is None:
        return y
    unit = "% of the variance" if quality == "signal" else scale.step if quality == "accuracy" else "points"
    drop = fmt.signed(-limits.max_drop) if share else f"{'+' if down else '−'}{limits.max_drop:g}"
    limit = (-1.0 if down else 1.0) * best(rows, quality) - limits.max_drop
    return replace(y, limit=limit, limit_label=f"your limit: {drop} {unit}".strip())


def clicked_id(key: str) -> str | None:
    """Return the id of the point that was clicked in the chart `key`."""
    state: Any = st.session_state.get(key)
    found = state.selection.points if state else []
    data = found[0].get("customdata") if found else None
    if not data:
        return None
    return str(data[0] if isinstance(data, (list, tuple)) else next(iter(data.values())))


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
    unit, scale = {"latency": time_scale, "size": size_scale}.get(axis, lambda _: ("MB", 1.0))(rows)
    points = _in_unit(points_of(rows, axis, quality), scale)
    x, y = _axes(axis, rows, quality, limits, unit, scale)
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
        found = clicked_id(key)
        if found is not None and on_click is not None:
            on_click(found)

    name = f"{quality_title(rows, quality)} against {x.title} of {len(points)} measured candidates"
    options: dict[str, Any] = {"theme": None, "config": CONFIG, "key": key, "alt": name}
    if on_click is not None:
        options |= {"on_select": clicked, "selection_mode": "points"}
    st.plotly_chart(figure, **options)
    with st.container(horizontal=True, vertical_alignment="center"):
        few = " (drawn for the dominated ones only where there are few)" if len(points) > MOST_BARS else ""
        st.caption(f"Bars are 95 % intervals{few}; larger markers are larger files.", width="stretch")
        glossary()
