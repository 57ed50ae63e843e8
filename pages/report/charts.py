"""Charts of a report, for both themes: Pareto chart, throughput, small multiples; as on the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from core.domain.measurement import Interval
from core.views import Row, RunView
from pages import format as fmt
from pages.figures import (
    Mark,
    Palette,
    Panel,
    Role,
    Series,
    extended,
    palette,
    panel_figure,
    pareto_figure,
    throughput_figure,
)
from pages.widgets.facts import hover_facts
from pages.widgets.measures import Measure, measures
from pages.widgets.points import axis_of, is_log, placed, points_of

ROWS = 40
"""Of the small multiples: the baseline, the recommended one and the fastest."""
LINES = 4
PANELS = ("latency", "quality", "size", "memory")
HEIGHT = 480
Drawn = tuple[list[dict[str, Any]], dict[str, Any]]


def charts(view: RunView) -> list[dict[str, Any]]:
    """Return the charts, each with its ``id``, ``title`` and Vega-Lite specifications ``light``, ``dark``."""
    rows, known = [row for row in view.candidates if row.latency_ms is not None], measures(view, view.limits)
    if not rows or "latency" not in known:
        return []
    found = []
    if "quality" in known:
        x, y = known["latency"], known["quality"]
        title = f"{y.name} against {x.name.lower()}"
        found.append(_both("pareto", title, partial(_pareto, view, rows, x, y)))
    if "throughput" in known:
        found.append(_both("throughput", "Throughput", partial(_throughput, view, rows)))
    shown, roles_of = _most(view, rows), placed(view, known)
    for name in (each for each in PANELS if each in known):
        draw = partial(_panel, view, shown, known[name], roles_of)
        found.append(_both(f"panel_{name}", known[name].title, draw) | {"panel": True})
    return found


def _both(name: str, title: str, draw: Callable[[Palette], Drawn]) -> dict[str, Any]:
    drawn = {theme: draw(palette(theme == "dark")) for theme in ("light", "dark")}
    whole = {theme: spec | {"data": {"values": rows}} for theme, (rows, spec) in drawn.items()}
    return {"id": name, "title": title, **whole}


def _pareto(view: RunView, rows: Sequence[Row], x: Measure, y: Measure, colors: Palette) -> Drawn:
    points = points_of(rows, x, y, view.quality)
    across, up = [point.x.value for point in points], [point.y.value for point in points]
    return pareto_figure(
        points,
        axis_of(x, is_log(x, across, "auto")),
        axis_of(y, is_log(y, up, "auto")),
        colors,
        labelled=view.quality == "accuracy",
        recommended=view.recommendation.candidate_id,
        height=HEIGHT,
    )


def _most(view: RunView, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the small multiples, in the order of the run."""
    chosen = view.recommendation.candidate_id

    def rank(row: Row) -> tuple[bool, bool, float]:
        return row.candidate.position > 0, row.id != chosen, -row.speedup.value if row.speedup else 0.0

    kept = {row.id for row in sorted(rows, key=rank)[:ROWS]}
    return [row for row in rows if row.id in kept]


def _panel(
    view: RunView, rows: Sequence[Row], measure: Measure, known: Mapping[str, Role], colors: Palette
) -> Drawn:
    values = [value for row in rows if (value := measure.of(row)) is not None]
    low = min(value.low for value in values) if measure.share else 0.0
    high = max(value.high for value in values)
    bounds = measure.bounds if measure.share else None
    span = extended((min(low, high - 1.0) if measure.share else low, high), bounds)
    line = measure.of(view.baseline)
    panel = Panel(measure.short, span, line.value if line else None, measure.limit, least=measure.higher)
    marks = [
        Mark(row.id, row.name, value, _written(value, measure), known.get(row.id), hover_facts(row))
        for row in rows
        for value in (measure.of(row),)
    ]
    color = colors.quality(view.quality == "accuracy")
    return panel_figure(marks, panel, colors, color=color, recommended=view.recommendation.candidate_id)


def _written(value: Interval | None, measure: Measure) -> str:
    if value is None:
        return fmt.NONE
    return f"{value.value:.1f}" if measure.share else fmt.significant(value.value)


def _throughput(view: RunView, rows: Sequence[Row], colors: Palette) -> Drawn:
    """Return the lines of the baseline, of what is recommended and of others on the front."""
    chosen = view.recommendation.candidate_id
    first = sorted(
        rows, key=lambda row: (row.candidate.position > 0, row.id != chosen, not row.on_front, row.name)
    )
    series = [
        Series(row.name, result.timing.throughput, row.candidate.position == 0)
        for row in first
        if (result := row.candidate.result) is not None and result.timing.throughput
    ]
    return throughput_figure(series[:LINES], colors, height=360)
