"""Pareto chart widget: rows become points on any two axes, and a click becomes an id in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.views import Row, RunView
from pages import format as fmt
from pages.figures import PICK, Axis, Point, axis_range, palette, pareto_figure
from pages.widgets.measures import Measure
from pages.widgets.page import dark
from pages.widgets.points import axis_of, is_log, points_of

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
    whole = shown.scale != SCALES[0]
    axes = (
        axis_of(x, is_log(x, across, shown.scale), whole),
        axis_of(y, is_log(y, up, shown.scale), whole),
    )
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
    _left_out(points, data)


def _left_out(points: Sequence[Point], data: Sequence[Mapping[str, Any]]) -> None:
    """Name the candidates that lie so far from the others that the chart only points at them."""
    ids = {row["id"] for row in data if row["kind"] == "beyond"}
    if told := [f"{point.name} ({point.y.value:.1f})" for point in points if point.id in ids]:
        st.caption(f"Far off the chart, scale Linear shows it: {fmt.plain(', '.join(told))}.")


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
