"""Traces of the Pareto chart: the front, the points with their intervals, rings and limits."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.domain.measurement import Interval
from pages.figures.points import Axis, Point, Role, corners
from pages.figures.theme import Palette

Ranges = tuple[tuple[float, float], tuple[float, float]]

MOST_BARS = 150
"""Of more points those that are dominated have no error bars: they would cover each other and all else."""
SMALLEST, LARGEST = 9.0, 20.0
LEGEND: dict[Role, str] = {
    "front": "Pareto-optimal",
    "tied": "Tied",
    "dominated": "Dominated",
    "baseline": "Baseline (your model)",
}
SYMBOLS: dict[Role, str] = {
    "front": "circle",
    "tied": "circle",
    "dominated": "circle-open",
    "baseline": "diamond",
}


def front_line(points: Sequence[Point], color: str) -> go.Scatter:
    """Return the staircase through the non-dominated points and nothing else."""
    steps = corners(points)
    return go.Scatter(
        x=[p.x.value for p in steps],
        y=[p.y.value for p in steps],
        mode="lines",
        line={"color": color, "width": 2, "shape": "hv"},
        name="Pareto front",
        meta="front",
        hoverinfo="skip",
        showlegend=False,
    )


def diameters(points: Sequence[Point]) -> dict[str, float]:
    """Return the marker's pixels by id: larger for larger files."""
    largest = max((p.size_bytes for p in points), default=1) or 1
    return {p.id: SMALLEST + (LARGEST - SMALLEST) * (p.size_bytes / largest) ** 0.5 for p in points}


def _bars(intervals: Sequence[Interval], color: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [i.high - i.value for i in intervals],
        "arrayminus": [i.value - i.low for i in intervals],
        "color": color,
        "thickness": 1.3,
        "width": 3,
    }


def markers(
    role: Role, points: Sequence[Point], sizes: dict[str, float], color: str, *, bars: bool = True
) -> go.Scatter:
    """Return the points of one role, with error bars on both axes unless `bars` is False."""
    return go.Scatter(
        x=[p.x.value for p in points],
        y=[p.y.value for p in points],
        error_x=_bars([p.x for p in points], color) if bars else None,
        error_y=_bars([p.y for p in points], color) if bars else None,
        mode="markers",
        cliponaxis=False,
        unselected={"marker": {"opacity": 0.9}},
        marker={
            "size": [sizes[p.id] for p in points],
            "symbol": SYMBOLS[role],
            "color": color,
            "opacity": 0.9,
            "line": {"color": color, "width": 1.5},
        },
        customdata=[[p.id] for p in points],
        text=["<br>".join((f"<b>{p.name}</b>", *p.hover)) for p in points],
        hovertemplate="%{text}<extra></extra>",
        name=LEGEND[role],
        meta=role,
        legendgroup=role,
    )


def ring(point: Point, size: float, color: str, name: str, *, dash: bool) -> go.Scatter:
    """Return a ring around a point, or with `dash` a square; neither catches the mouse."""
    symbol = "square-open" if dash else "circle-open"
    return go.Scatter(
        x=[point.x.value],
        y=[point.y.value],
        mode="markers",
        cliponaxis=False,
        unselected={"marker": {"opacity": 1}},
        marker={
            "size": size + (14 if dash else 12),
            "symbol": symbol,
            "color": color,
            "line": {"width": 2.5},
        },
        hoverinfo="skip",
        name=name,
        meta=name.lower(),
    )


def shade(
    figure: go.Figure, x: Axis, y: Axis, ranges: tuple[tuple[float, float], ...], colors: Palette
) -> None:
    """Shade the regions outside the limits and write at each border whose limit it is."""
    (_, x_high), (y_low, y_high) = ranges
    note = {"font": {"size": 12, "color": colors.accent}, "showarrow": False}
    border = {"color": colors.outside_line, "width": 1.2, "dash": "dot"}
    fill = {"fillcolor": colors.outside, "line_width": 0, "layer": "below"}
    if y.limit is not None:
        figure.add_shape(type="rect", x0=0, x1=x_high, y0=y_low - (y_high - y_low), y1=y.limit, **fill)
        figure.add_shape(type="line", x0=0, x1=x_high, y0=y.limit, y1=y.limit, line=border, layer="below")
        place = {"x": 1, "xref": "paper", "xanchor": "right", "y": y.limit, "yanchor": "top"}
        figure.add_annotation(text=y.limit_label, **place, **note)
    if x.limit is not None and x.limit < x_high:
        figure.add_shape(type="rect", x0=x.limit, x1=2 * x_high, y0=y_low, y1=y_high, **fill)
        figure.add_shape(type="line", x0=x.limit, x1=x.limit, y0=y_low, y1=y_high, line=border, layer="below")
        place = {"x": x.limit, "xanchor": "left", "y": 0, "yref": "paper", "yanchor": "bottom"}
        figure.add_annotation(text=x.limit_label, **place, **note)
