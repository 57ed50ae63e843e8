"""Charts of a report, for both themes: Pareto chart, small multiples, throughput."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import plotly.graph_objects as go

from core.domain.measurement import Interval
from core.views import Row, RunView
from pages import format as fmt
from pages.figures import (
    Axis,
    Mark,
    Palette,
    Panel,
    Point,
    Series,
    extended,
    palette,
    panel_figure,
    roles,
    throughput_figure,
)
from pages.figures.looks import LEGEND, by_role
from pages.figures.points import corners
from pages.figures.theme import styled
from pages.widgets.facts import hover_facts
from pages.widgets.measures import Measure, measures

ROWS = 40
"""Of the small multiples: the baseline, the recommended one and the fastest."""
LINES = 4
PANELS = ("latency", "quality", "size", "memory")


def charts(view: RunView) -> list[dict[str, Any]]:
    """Return the charts, each with its ``id``, ``title`` and Plotly figures ``light`` and ``dark``.

    Names are escaped: Plotly reads tags in them.
    """
    rows, known = [row for row in view.candidates if row.latency_ms is not None], measures(view, view.limits)
    if not rows or "latency" not in known:
        return []
    found = []
    if "quality" in known:
        x, y = known["latency"], known["quality"]
        title = f"{y.name} against {x.name.lower()}"
        found.append(_both("pareto", title, lambda colors: _pareto(view, rows, x, y, colors)))
    if "throughput" in known:
        found.append(_both("throughput", "Throughput", lambda colors: _throughput(view, rows, colors)))
    shown = _most(view, rows)
    for name in (each for each in PANELS if each in known):
        draw = partial(_panel, view, shown, known[name])
        found.append(_both(f"panel_{name}", known[name].title, draw) | {"panel": True})
    return found


def _both(name: str, title: str, draw: Callable[[Palette], go.Figure]) -> dict[str, Any]:
    figures = {theme: json.loads(draw(palette(theme == "dark")).to_json()) for theme in ("light", "dark")}
    return {"id": name, "title": title, **figures}


def _hover(row: Row) -> str:
    facts = (f"{html.escape(label)}: {html.escape(value)}" for label, value in hover_facts(row).items())
    return "<br>".join((f"<b>{html.escape(row.name)}</b>", *facts))


def _pareto(view: RunView, rows: Sequence[Row], x: Measure, y: Measure, colors: Palette) -> go.Figure:
    placed = {row.id: row for row in rows}
    points = [
        Point(row.id, html.escape(row.name), across, up, 0, baseline=row.candidate.position == 0)
        for row in rows
        if (across := x.of(row)) is not None and (up := y.of(row)) is not None
    ]
    axes = Axis(x.title, x.higher), Axis(y.title, y.higher)
    known, along = roles(points, *axes), corners(points, *axes)
    main = colors.quality(view.quality == "accuracy")
    looks, figure = by_role(known, colors, main), go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[p.x.value for p in along], y=[p.y.value for p in along], mode="lines", hoverinfo="skip",
            line={"color": main, "width": 2, "shape": "hv"}, showlegend=False,
        )
    )  # fmt: skip
    for role in LEGEND:
        members = [p for p in points if known[p.id] == role]
        if members:
            look = looks[members[0].id]
            symbol = f"{look.shape}-open" if look.hollow else look.shape
            figure.add_trace(_markers(members, placed, look.label, symbol, look.color, colors.grid))
    _mark(figure, points, view.recommendation.candidate_id, colors)
    border = {"color": colors.outside_line, "dash": "dot"}
    if y.limit is not None:
        figure.add_hline(y.limit, line=border, annotation_text=y.limit_label)
    if x.limit is not None:
        figure.add_vline(x.limit, line=border, annotation_text=x.limit_label)
    styled(figure, colors, 480)
    figure.update_xaxes(title_text=x.title, rangemode="tozero")
    figure.update_yaxes(title_text=y.title)
    return figure


def _markers(
    points: Sequence[Point], placed: Mapping[str, Row], label: str, symbol: str, color: str, bars: str
) -> go.Scatter:
    return go.Scatter(
        x=[p.x.value for p in points], y=[p.y.value for p in points], mode="markers", name=label,
        error_x=_bars([p.x for p in points], bars), error_y=_bars([p.y for p in points], bars),
        marker={"size": 11, "symbol": symbol, "color": color, "line": {"color": color, "width": 1.5}},
        text=[_hover(placed[p.id]) for p in points], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _bars(found: Sequence[Interval], color: str) -> dict[str, Any]:
    up, down = [i.high - i.value for i in found], [i.value - i.low for i in found]
    about = {"type": "data", "symmetric": False, "color": color, "thickness": 1, "width": 0}
    return {**about, "array": up, "arrayminus": down}


def _mark(figure: go.Figure, points: Sequence[Point], recommended: str | None, colors: Palette) -> None:
    """Ring what is recommended, and name it and the baseline."""
    middle = max(point.x.value for point in points) / 2
    for point in points:
        if point.id == recommended:
            ring = {"size": 22, "symbol": "circle-open", "color": colors.accent, "line": {"width": 2.5}}
            figure.add_trace(
                go.Scatter(
                    x=[point.x.value], y=[point.y.value], mode="markers", marker=ring, name="Recommended",
                    hoverinfo="skip",
                )
            )  # fmt: skip
        if point.baseline or point.id == recommended:
            left = point.x.value < middle
            figure.add_annotation(
                x=point.x.value, y=point.y.value, text=point.name, showarrow=False, yshift=16,
                xanchor="left" if left else "right", xshift=8 if left else -8,
                font={"size": 12, "color": colors.text}, bgcolor=colors.veil,
            )  # fmt: skip


def _most(view: RunView, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the small multiples, in the order of the run."""
    chosen = view.recommendation.candidate_id

    def rank(row: Row) -> tuple[bool, bool, float]:
        return row.candidate.position > 0, row.id != chosen, -row.speedup.value if row.speedup else 0.0

    kept = {row.id for row in sorted(rows, key=rank)[:ROWS]}
    return [row for row in rows if row.id in kept]


def _panel(view: RunView, rows: Sequence[Row], measure: Measure, colors: Palette) -> go.Figure:
    values = [value for row in rows if (value := measure.of(row)) is not None]
    low = min(value.low for value in values) if measure.share else 0.0
    high = max(value.high for value in values)
    bounds = measure.bounds if measure.share else None
    span = extended((min(low, high - 1.0) if measure.share else low, high), bounds)
    line = measure.of(view.baseline)
    panel = Panel(measure.short, span, line.value if line else None, measure.limit, least=measure.higher)
    marks = []
    for row in rows:
        value = measure.of(row)
        text = _written(value, measure)
        marks.append(Mark(row.id, html.escape(row.name), value, text, None, _hover(row)))
    best = view.recommendation.candidate_id
    color = colors.quality(view.quality == "accuracy")
    return panel_figure(marks, panel, colors, color=color, recommended=best)


def _written(value: Interval | None, measure: Measure) -> str:
    if value is None:
        return fmt.NONE
    return f"{value.value:.1f}" if measure.share else fmt.significant(value.value)


def _throughput(view: RunView, rows: Sequence[Row], colors: Palette) -> go.Figure:
    """Return the lines of the baseline, of what is recommended and of others on the front."""
    chosen = view.recommendation.candidate_id
    first = sorted(
        rows, key=lambda row: (row.candidate.position > 0, row.id != chosen, not row.on_front, row.name)
    )
    series = [
        Series(html.escape(row.name), result.timing.throughput, row.candidate.position == 0)
        for row in first
        if (result := row.candidate.result) is not None and result.timing.throughput
    ]
    return throughput_figure(series[:LINES], colors, height=360)
