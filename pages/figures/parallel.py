"""Parallel coordinates: one line for each candidate over all its figures, for Vega-Lite (Inselberg, 1985)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from pages.figures.looks import Look
from pages.figures.pareto_spec import PICK
from pages.figures.points import wide
from pages.figures.theme import Palette, vega_config

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """One candidate.

    Attributes:
        id: Goes into the selection.
        name: For hovering.
        values: By the title of the axis; an absent one leaves a gap.
        texts: The same with their units.
        look: Colour and the line of the legend.
    """

    id: str
    name: str
    values: Mapping[str, float]
    texts: Mapping[str, str]
    look: Look


def _share(value: float, low: float, high: float, log: bool, higher: bool) -> float:
    """Return where a value lies between the worst (0) and the best (1)."""
    if log:
        value, low, high = log10(value), log10(low), log10(high)
    place = 0.5 if high == low else (value - low) / (high - low)
    return place if higher else 1 - place


def parallel_figure(
    lines: Sequence[Line],
    axes: Mapping[str, bool],
    colors: Palette,
    *,
    selected: str | None = None,
    recommended: str | None = None,
    height: int = 420,
) -> tuple[Rows, dict[str, Any]]:
    """Return rows and specification; up is better on every axis, and each goes from its worst to its best.

    Args:
        lines: Measured candidates.
        axes: Titles from left to right, each with whether more is better.
        colors: Of the theme.
        selected: Id of the line to draw strongly.
        recommended: Likewise.
        height: Pixels.
    """
    rows: Rows = []
    for title, higher in axes.items():
        known = [line for line in lines if title in line.values]
        values = [line.values[title] for line in known]
        low, high, log = min(values), max(values), wide(values)
        for line in known:
            at = _share(line.values[title], low, high, log, higher)
            rows.append(
                {"kind": "line", "id": line.id, "name": line.name, "axis": title, "at": at,
                 "text": line.texts[title], "group": line.look.label,
                 "loud": line.id in (selected, recommended)}
            )  # fmt: skip
        ordered = sorted(known, key=lambda line: line.values[title], reverse=not higher)
        rows += [
            {"kind": "end", "axis": title, "at": at, "text": line.texts[title], "up": at == 1.0}
            for at, line in ((0.0, ordered[0]), (1.0, ordered[-1]))
        ]
    return rows, _spec(list(axes), {line.look.label: line.look for line in lines}, colors, height)


def _spec(order: Sequence[str], looks: Mapping[str, Look], colors: Palette, height: int) -> dict[str, Any]:
    axis = {
        "title": None, "orient": "top", "labelAngle": 0, "domain": False, "ticks": False, "grid": True,
        "gridColor": colors.muted, "labelColor": colors.text, "labelFontSize": 12, "labelPadding": 22,
        "labelLimit": 150,
    }  # fmt: skip
    x = {"field": "axis", "type": "nominal", "sort": list(order), "axis": axis, "scale": {"padding": 0.5}}
    y = {"field": "at", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}
    color = {
        "field": "group", "type": "nominal",
        "scale": {"domain": list(looks), "range": [look.color for look in looks.values()]},
        "legend": {"title": None, "orient": "bottom", "labelColor": colors.text, "labelFontSize": 13,
                   "symbolType": "stroke", "labelLimit": 260},
    }  # fmt: skip
    # Front and dominated share their colour.
    dashes = [[5, 3] if look.hollow else [1, 0] for look in looks.values()]
    dash = color | {"scale": {"domain": list(looks), "range": dashes}}
    loud = {"or": [{"param": "over", "empty": False}, "datum.loud === true"]}
    line = {"condition": {"test": loud, "value": 1.0}, "value": 0.35 if len(looks) > 1 else 0.5}
    width = {"condition": {"test": loud, "value": 3.2}, "value": 1.3}
    point = {"type": "point", "fields": ["id"]}
    clicks = {"on": "click", "toggle": "true", "clear": False}
    moves = {"on": "pointerover", "clear": "pointerout"}
    told = {"name": "Candidate", "axis": "Figure", "text": "Value"}
    tooltip = [{"field": field, "title": title} for field, title in told.items()]
    ends = {"type": "text", "fontSize": 11, "color": colors.text}
    at = {"x": x, "y": y, "color": color, "opacity": line}
    written = {"x": x, "y": y, "text": {"field": "text"}}
    return {
        "height": height,
        "background": "transparent",
        "params": [
            {"name": PICK, "select": point | clicks, "views": ["points"]},
            {"name": "over", "select": point | moves, "views": ["points"]},
        ],
        "layer": [
            _of(
                "datum.kind === 'line'",
                {"type": "line"},
                at | {"detail": {"field": "id"}, "strokeWidth": width, "strokeDash": dash},
            ),
            _of("datum.kind === 'line'", {"type": "circle", "size": 70}, at | {"tooltip": tooltip})
            | {"name": "points"},
            _of("datum.kind === 'end' && datum.up", ends | {"dy": -13}, written),
            _of("datum.kind === 'end' && !datum.up", ends | {"dy": 14}, written),
        ],
        "config": vega_config(colors),
        "usermeta": {"embedOptions": {"renderer": "svg"}},
    }


def _of(which: str, mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    return {"transform": [{"filter": which}], "mark": mark, "encoding": encoding}
