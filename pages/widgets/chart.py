"""Pareto chart widget: rows become points on any two axes, and a click becomes an id in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.domain.measurement import Interval
from core.views import Quality, Row, RunView
from pages.figures import PICK, Axis, Point, Role, axis_range, palette, pareto_figure, roles, wide
from pages.widgets.facts import hover_facts
from pages.widgets.measures import Measure, quality_of
from pages.widgets.page import dark

CONFIG = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False, "responsive": True}
SCALES = ("auto", "linear", "log")


@dataclass(frozen=True)
class Shown:
    """What the chart shows.

    Attributes:
        x: Key of the measure across.
        y: Key of the measure upwards.
        scale: ``linear``, ``log``, or ``auto``: what suits the figures on each axis.
        group: Returns what a row is coloured by; None colours by its role on the chart.
    """

    x: str = "latency"
    y: str = "quality"
    scale: str = "auto"
    group: Callable[[Row], str] | None = None


def _apart(row: Row, quality: Quality) -> Interval | None:
    """Return the accuracy with the interval of its paired difference from the baseline's."""
    if quality != "accuracy" or row.accuracy is None:
        return None
    if row.drop is None:
        return Interval(row.accuracy, row.accuracy, row.accuracy)
    if row.change is None:
        return None
    base = row.accuracy - row.change.value
    return Interval(row.accuracy, base + row.change.low, base + row.change.high)


def points_of(
    rows: Sequence[Row],
    x: Measure,
    y: Measure,
    quality: Quality,
    group: Callable[[Row], str] | None = None,
    *,
    hover: bool = True,
) -> list[Point]:
    """Return the rows that have a figure on both axes.

    Args:
        rows: Of a run.
        x: Across.
        y: Upwards.
        quality: By what `y` judges where it is the quality; ties are told by the paired difference then.
        group: What a row is coloured by.
        hover: Whether they are to be hovered: those of a thousand rows take their time.
    """
    points = []
    for row in rows:
        across, up = x.of(row), y.of(row)
        if across is not None and up is not None:
            base, paired = row.candidate.position == 0, up == quality_of(row, "accuracy")
            apart = _apart(row, quality) if paired else None
            told = "" if group is None else group(row)
            about = (row.size_bytes or 0, hover_facts(row) if hover else {}, base, apart, told)
            points.append(Point(row.id, row.name, across, up, *about))
    return points


def placed(view: RunView, known: Mapping[str, Measure]) -> dict[str, Role]:
    """Return each measured candidate's role in latency and quality, by which tables and panels tell it."""
    if "quality" not in known:
        return {}
    x, y = known["latency"], known["quality"]
    points = points_of(view.candidates, x, y, view.quality, hover=False)
    return roles(points, axis_of(x), axis_of(y))


def axis_of(measure: Measure, log: bool = False) -> Axis:
    """Return the axis of a measure."""
    about = (measure.limit, measure.limit_label, measure.bounds, measure.share)
    return Axis(measure.title, measure.higher, *about, log)


def _log(measure: Measure, values: Sequence[float], scale: str) -> bool:
    if measure.share or min(values) <= 0:
        return False
    return scale == "log" or (scale == "auto" and wide(values))


def pareto_chart(
    view: RunView,
    rows: Sequence[Row],
    known: Mapping[str, Measure],
    *,
    selected: str | None,
    shown: Shown | None = None,
    on_click: Callable[[str], None],
    key: str = "pareto",
    height: int = 460,
) -> None:
    """Draw the chart; a click on a point calls `on_click` with its id.

    The page owns the selection and passes it in. What changes goes to the browser as data, so that a zoom
    stays.

    Args:
        view: The run.
        rows: Those of its candidates that are shown.
        known: What they can be compared by.
        selected: Id of the row to outline.
        shown: Axes, scale and colours.
        on_click: Told the id of a point.
        key: Of the widget.
        height: Pixels.
    """
    shown = shown or Shown()
    x = known.get(shown.x, known["latency"])
    y = known.get(shown.y) or known.get("quality") or known["size"]
    points = points_of(rows, x, y, view.quality, shown.group)
    if not points:
        st.info("No candidate has both figures.", icon=":material/search_off:")
        return
    across, up = [point.x.value for point in points], [point.y.value for point in points]
    axes = axis_of(x, _log(x, across, shown.scale)), axis_of(y, _log(y, up, shown.scale))
    data, spec = pareto_figure(
        points,
        axes[0],
        axes[1],
        palette(dark()),
        labelled=view.quality == "accuracy",
        recommended=view.recommendation.candidate_id,
        selected=selected,
        ranges=_ranges(points, axes, key, view.run.status.active),
        height=height,
    )
    # Without their number: another description has the browser draw the chart anew.
    name = f"{y.title} against {x.title}, a point for each measured candidate"
    # One chart for each pair of axes: a zoom of other axes means nothing.
    key = f"{key}_{shown.x}_{shown.y}_{axes[0].log}_{axes[1].log}"
    st.vega_lite_chart(
        pd.DataFrame(data),
        spec,
        theme=None,
        key=key,
        alt=name,
        on_select=lambda: clicked(key, on_click),
        selection_mode=PICK,
    )


def _ranges(points: Sequence[Point], axes: Sequence[Axis], key: str, active: bool) -> Any:
    """Return the ends of both axes; of a run that goes on they extend and never shrink under the eyes."""
    found = [axis_range([p.x for p in points], axes[0]), axis_range([p.y for p in points], axes[1])]
    if active:
        held: dict[str, tuple[float, float]] = st.session_state.setdefault("ranges", {})
        for at, axis in enumerate(axes):
            before = held.get(f"{key} {axis}", found[at])
            found[at] = held[f"{key} {axis}"] = min(before[0], found[at][0]), max(before[1], found[at][1])
    return tuple(found)


def clicked(key: str, on_click: Callable[[str], None]) -> None:
    """Tell which point was clicked: each click adds its point to those of the widget, or takes it out."""
    state: Any = st.session_state.get(key)
    found = {str(each["id"]) for each in (state.selection.get(PICK) or [])} if state else set()
    before: set[str] = st.session_state.get(f"{key}_before", set())
    st.session_state[f"{key}_before"] = found
    for changed in found ^ before:
        on_click(changed)
        return


def clicked_id(key: str) -> str | None:
    """Return the id of the point that was clicked in the plotly chart `key`."""
    state: Any = st.session_state.get(key)
    found = state.selection.points if state else []
    data = found[0].get("customdata") if found else None
    if not data:
        return None
    return str(data[0] if isinstance(data, (list, tuple)) else next(iter(data.values())))
