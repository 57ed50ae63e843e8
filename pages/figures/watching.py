"""Figures of a service that is watched: traffic by time, predicted classes, drift by feature."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import plotly.graph_objects as go

from core.domain.watching import Moment, Window
from pages.figures.theme import Palette, styled

STRONG_PSI = 0.25
"""From here on the heat map is of one colour."""
LONGEST_NAME = 32


def latency_over_time(moments: Sequence[Moment], colors: Palette, *, height: int = 240) -> go.Figure:
    """Return the median and the 95th percentile of the latency by time."""
    lines = [
        ("p50", [each.p50_ms for each in moments], colors.accuracy, "solid"),
        ("p95", [each.p95_ms for each in moments], colors.accent, "dot"),
    ]
    return _lines(moments, lines, "Latency (ms)", colors, height)


def requests_over_time(moments: Sequence[Moment], colors: Palette, *, height: int = 240) -> go.Figure:
    """Return requests a second by time, and those that failed."""
    lines = [
        ("all", [each.per_s for each in moments], colors.accuracy, "solid"),
        ("failed", [each.failed_per_s for each in moments], colors.accent, "dot"),
    ]
    return _lines(moments, lines, "Requests/s", colors, height)


def classes_figure(
    rows: Sequence[tuple[str, float | None, float | None]], colors: Palette, *, height: int = 280
) -> go.Figure:
    """Return the share of each class, given as name, share on the evaluation data and share live."""
    figure = go.Figure()
    names = [_short(name) for name, _, _ in rows]
    for title, values, color, pattern in (
        ("evaluation data", [row[1] for row in rows], colors.muted, "/"),
        ("live", [row[2] for row in rows], colors.accuracy, ""),
    ):
        shares = [None if value is None else 100 * value for value in values]
        figure.add_bar(
            x=names,
            y=shares,
            name=title,
            marker={"color": color, "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:.1f} %<extra>" + title + "</extra>",
        )
    styled(figure, colors, height)
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text="Predictions (%)", rangemode="tozero")
    return figure


def drift_figure(windows: Sequence[Window], colors: Palette, *, height: int = 300) -> go.Figure:
    """Return the shift (PSI) of each feature by window, the newest on the right; a cross is drift."""
    shown = sorted(windows, key=lambda each: each.number)
    names = list(dict.fromkeys(f.name for each in shown for f in each.findings if f.psi is not None))[::-1]
    known = [{found.name: found for found in each.findings} for each in shown]
    numbers = [str(each.number) for each in shown]
    shifts = [[found[name].psi if name in found else None for found in known] for name in names]
    figure = go.Figure()
    figure.add_heatmap(
        x=numbers,
        y=list(map(_short, names)),
        z=shifts,
        zmin=0,
        zmax=STRONG_PSI,
        colorscale=[[0, colors.grid], [1, colors.accent]],
        colorbar={"title": {"text": "PSI"}, "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{y}, window %{x}: PSI %{z:.3f}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    raised = [
        (number, _short(name))
        for number, found in zip(numbers, known, strict=True)
        for name in names
        if name in found and found[name].raised
    ]
    figure.add_scatter(
        x=[number for number, _ in raised],
        y=[name for _, name in raised],
        mode="markers",
        marker={"symbol": "x", "size": 9, "color": colors.text},
        hoverinfo="skip",
        showlegend=False,
    )
    styled(figure, colors, max(height, 26 * len(names) + 90))
    figure.update_xaxes(type="category", title_text="Window")
    figure.update_yaxes(type="category", showgrid=False)
    return figure


def _lines(
    moments: Sequence[Moment],
    lines: Sequence[tuple[str, Sequence[float | None], str, str]],
    title: str,
    colors: Palette,
    height: int,
) -> go.Figure:
    figure = go.Figure()
    times = [datetime.fromtimestamp(each.time, UTC) for each in moments]
    for name, values, color, dash in lines:
        figure.add_scatter(
            x=times,
            y=list(values),
            name=name,
            mode="lines+markers",
            line={"color": color, "width": 2, "dash": dash},
            marker={"size": 4},
            hovertemplate="%{x|%H:%M:%S}: %{y:.3g}<extra>" + name + "</extra>",
        )
    styled(figure, colors, height)
    figure.update_yaxes(title_text=title, rangemode="tozero")
    return figure


def _short(name: str) -> str:
    """Return a name as plotly shows it letter by letter: it takes some tags for its own."""
    return escape(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…", quote=False)
