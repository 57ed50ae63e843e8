"""Pareto chart: cost against quality of each candidate, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, log10

import plotly.graph_objects as go

from pages.figures.labels import LETTER, LINE, Box, Spot, place
from pages.figures.marks import LEGEND, MOST_BARS, Ranges, diameters, front_line, markers, ring, shade
from pages.figures.points import Axis, Point, Role, corners, roles
from pages.figures.theme import Palette, styled

MOST_NAMES = 7
PLOT_WIDTH = 720.0  # a guess, narrower than most windows, to lay out names


def _span(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.12 or max(abs(high) * 0.05, 0.5)
    return low - room, high + room


def _ranges(points: Sequence[Point], y: Axis, zoom: bool) -> Ranges:
    close = [p for p in corners(points) if not p.baseline] if zoom else []
    x_high = max((p.x.high for p in close or points), default=1.0) * (1.6 if close else 1.1)
    lows = [p.y.low for p in points] + ([y.limit] if y.limit is not None else [])
    highs = [p.y.high for p in points] + ([y.limit] if y.limit is not None else [])
    low, high = _span(min(lows, default=0.0), max(highs, default=1.0))
    return (0.0, x_high), (max(low, y.bounds[0]), min(high, y.bounds[1]))


def _ticks(span: tuple[float, float]) -> dict[str, list[float] | list[str]]:
    """Return about five round ticks in `span` that show figures without the sign they are drawn with."""
    rough = (span[1] - span[0]) / 5
    size = 10.0 ** floor(log10(rough)) if rough > 0 else 1.0
    step = size * next(factor for factor in (1, 2, 5, 10) if factor * size >= rough)
    found = [number * step for number in range(ceil(span[0] / step), floor(span[1] / step) + 1)]
    return {"tickvals": found, "ticktext": [f"{0.0 - value:.4g}" for value in found]}


def _named(points: Sequence[Point], known: dict[str, Role], chosen: set[str | None]) -> set[str]:
    """Return the ids of the points to name: what is chosen, the baseline, and some of the front, evenly."""
    along = [p.id for p in corners(points) if known[p.id] == "front"]
    step = max(1.0, (len(along) - 1) / (MOST_NAMES - 1))
    spread = {along[round(at * step)] for at in range(min(len(along), MOST_NAMES))}
    return spread | {p.id for p in points if p.baseline or p.id in chosen}


def _layout(
    points: Sequence[Point],
    named: set[str],
    sizes: dict[str, float],
    ranges: Ranges,
    plot: tuple[float, float],
) -> tuple[list[Spot], list[Box]]:
    """Return the markers, and the lines that no name should lie on, in pixels."""
    (x_low, x_high), (y_low, y_high) = ranges
    width, height = plot

    def right(value: float) -> float:
        return (value - x_low) / (x_high - x_low) * width

    def up(value: float) -> float:
        return (value - y_low) / (y_high - y_low) * height

    spots = [
        Spot(right(p.x.value), up(p.y.value), sizes[p.id] / 2 + 3, p.name if p.id in named else "")
        for p in points
    ]
    lines = [(right(p.x.value) - 1, up(p.y.low), right(p.x.value) + 1, up(p.y.high)) for p in points]
    for one, other in pairwise(corners(points)):
        x, y = right(other.x.value), up(one.y.value)
        lines += [(right(one.x.value), y - 1, x, y + 1), (x - 1, y, x + 1, up(other.y.value))]
    return spots, lines


def _names(
    figure: go.Figure,
    points: Sequence[Point],
    named: set[str],
    sizes: dict[str, float],
    ranges: Ranges,
    plot: tuple[float, float],
    colors: Palette,
    y: Axis,
) -> None:
    spots, lines = _layout(points, named, sizes, ranges, plot)
    if y.limit is not None:
        top = (y.limit - ranges[1][0]) / (ranges[1][1] - ranges[1][0]) * plot[1]
        lines.append((plot[0] - LETTER * len(y.limit_label), top - LINE, plot[0], top))
    labels = place(spots, *plot, lines)
    for point, label in zip((p for p in points if p.id in named), labels, strict=True):
        figure.add_annotation(
            x=point.x.value,
            y=point.y.value,
            text=label.name,
            showarrow=False,
            xanchor=label.xanchor,
            xshift=label.xshift,
            yshift=label.yshift,
            font={"size": 12, "color": colors.text},
            bgcolor=colors.veil,
            borderpad=0,
        )


def pareto_figure(
    points: Sequence[Point],
    x: Axis,
    y: Axis,
    colors: Palette,
    *,
    labelled: bool = True,
    recommended: str | None = None,
    selected: str | None = None,
    zoom: bool = False,
    height: int = 460,
) -> go.Figure:
    """Return the chart of `points`.

    The line passes through the points that no other beats on the two shown axes, and through nothing
    else; both axes carry 95 % intervals; x starts at zero.

    Args:
        points: Measured candidates.
        x: Cost axis.
        y: Quality axis.
        colors: Of the theme.
        labelled: Whether y is accuracy; fidelity has its own colour.
        recommended: Id to ring.
        selected: Id to outline.
        zoom: End the cost axis, which still starts at zero, a little behind the front.
        height: Pixels.
    """
    figure = go.Figure()
    known, sizes, main = roles(points), diameters(points), colors.quality(labelled)
    ranges = _ranges(points, y, zoom)
    shown = [p for p in points if p.x.value <= ranges[0][1]]
    shade(figure, x, y, ranges, colors)
    if points:
        figure.add_trace(front_line(points, main))
    tint: dict[Role, str] = {
        "front": main,
        "tied": colors.muted,
        "dominated": main,
        "baseline": colors.baseline,
    }
    for role in LEGEND:
        members = [p for p in points if known[p.id] == role]
        if members:
            bars = len(points) <= MOST_BARS or role != "dominated"
            figure.add_trace(markers(role, members, sizes, tint[role], bars=bars))
    for point in points:
        if point.id == recommended:
            figure.add_trace(ring(point, sizes[point.id], colors.accent, "Recommended", dash=False))
        if point.id == selected:
            figure.add_trace(ring(point, sizes[point.id], colors.text, "Selected", dash=True))
    if len(shown) < len(points):
        text = f"{len(points) - len(shown)} slower or larger, out of the picture →"
        corner = {"x": 1, "xref": "paper", "xanchor": "right", "y": 1, "yref": "paper", "yanchor": "top"}
        figure.add_annotation(text=text, showarrow=False, font={"size": 12, "color": colors.muted}, **corner)
    named = _named(shown, known, {recommended, selected})
    _names(figure, shown, named, sizes, ranges, (PLOT_WIDTH, height - 100.0), colors, y)
    styled(figure, colors, height)
    figure.update_xaxes(title_text=x.title, range=ranges[0])
    figure.update_yaxes(title_text=y.title, range=ranges[1], **(_ticks(ranges[1]) if y.negative else {}))
    figure.update_layout(legend_itemsizing="constant")
    return figure
