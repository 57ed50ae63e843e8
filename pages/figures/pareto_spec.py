"""Specification of the Pareto chart: layers, scales and interaction, for Vega-Lite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pages.figures.looks import Look
from pages.figures.points import Axis
from pages.figures.theme import Palette, vega_axis, vega_config

Range = tuple[float, float]

LEAST_WIDTH = 460  # pixels below which there is no room for names
QUIET, LOUD = 0.22, 0.95
NAMED = "datum.label !== ''"
PICK = "pick"
"""The selection: every click adds its point or takes it out, so that each one is told."""


def chart_spec(
    x: Axis, y: Axis, colors: Palette, main: str, legend: Sequence[Look],
    hover: Sequence[str], height: int,
) -> dict[str, Any]:  # fmt: skip
    """Return the specification of the chart.

    Args:
        x: Horizontal axis.
        y: Vertical axis.
        colors: Of the theme.
        main: Colour of the front.
        legend: Its lines.
        hover: Labels of what hovering says, in the order of the fields ``hover_0``, ``hover_1`` and so on.
        height: Pixels.
    """
    over = {"or": [{"param": "over", "empty": False}, "datum.chosen === true"]}
    across, up = _scaled(x, "x", colors), _scaled(y, "y", colors)
    place_at = {"x": across, "y": up}
    loud = {"condition": {"test": over, "value": LOUD}, "value": QUIET}
    rule = {"type": "rule", "strokeWidth": 1.4, "clip": True}
    color, fill, shape = _legend(legend, colors)
    tooltip = [{"field": "name", "title": "Candidate"}]
    tooltip += [{"field": f"hover_{number}", "title": label} for number, label in enumerate(hover)]
    text = {
        "type": "text", "fontSize": 12, "baseline": "middle", "dx": {"expr": "datum.dx"}, "clip": True,
        "dy": {"expr": "datum.dy"}, "align": {"expr": "datum.align"},
        "opacity": {"expr": f"width < {LEAST_WIDTH} ? 0 : 1"},
    }  # fmt: skip
    written = place_at | {"text": {"field": "label"}}
    step = {
        "type": "line", "interpolate": "step-before" if x.higher else "step-after", "color": main,
        "strokeWidth": 2, "clip": True,
    }  # fmt: skip
    told = {"color": color, "strokeOpacity": loud}
    from_x = {"x": across | {"field": "x_low"}, "x2": {"field": "x_high"}, "y": up}
    from_y = {"x": across, "y": up | {"field": "y_low"}, "y2": {"field": "y_high"}}
    as_is = {"type": "quantitative", "scale": None, "legend": None}
    marker = place_at | {
        "color": color, "shape": shape, "fill": fill, "tooltip": tooltip,
        "fillOpacity": as_is | {"field": "fill"}, "size": as_is | {"field": "size"},
    }  # fmt: skip
    dot = {"type": "point", "strokeWidth": 1.8, "filled": False, "clip": True}
    layers = [
        *_limits(x, y, across, up, colors),
        _of("ends", {"type": "point", "opacity": 0, "tooltip": None}, place_at),
        _of("front", step, place_at),
        _where("isValid(datum.x_low)", rule, from_x | told),
        _where("isValid(datum.y_low)", rule, from_y | told),
        _of("point", dot, marker) | {"name": "points"},
        _beyond(place_at["x"], tooltip, y, colors),
        _ring("best", "circle", 420, colors.accent, place_at),
        _ring("chosen", "square", 560, colors.text, place_at),
        _where(NAMED, text | {"stroke": colors.surface, "strokeWidth": 4, "strokeOpacity": 0.8}, written),
        _where(NAMED, text | {"color": colors.text}, written),
    ]
    return {
        "height": height,
        "background": "transparent",
        "params": _params(),
        "layer": layers,
        "config": vega_config(colors),
        "usermeta": {"embedOptions": {"renderer": "svg"}},
    }


def _legend(legend: Sequence[Look], colors: Palette) -> tuple[dict[str, Any], ...]:
    """Return the encodings of colour, filling and shape, which share one legend."""
    look = {
        "title": None, "orient": "top", "labelColor": colors.text, "labelFontSize": 13, "symbolSize": 110,
        "labelLimit": 260, "columns": {"expr": "width < 480 ? 2 : 0"},
    }  # fmt: skip
    one = {"field": "group", "type": "nominal", "sort": None, "legend": look}
    labels = [look.label for look in legend]
    ranges = (
        [look.color for look in legend],
        ["transparent" if look.hollow else look.color for look in legend],
        [look.shape for look in legend],
    )
    return tuple(one | {"scale": {"domain": labels, "range": found}} for found in ranges)


def _params() -> list[dict[str, Any]]:
    point, views = {"type": "point", "fields": ["id"]}, {"views": ["points"]}
    wheel = "wheel![event.ctrlKey || event.metaKey]"
    zoom = {"type": "interval", "zoom": wheel, "clear": "dblclick"}
    return [
        {"name": PICK, "select": point | {"on": "click", "toggle": "true", "clear": False}} | views,
        {"name": "over", "select": point | {"on": "pointerover", "clear": "pointerout"}} | views,
        {"name": "zoom", "select": zoom, "bind": "scales"} | views,
    ]


def _of(kind: str, mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark, "encoding": encoding}


def _beyond(across: dict[str, Any], tooltip: list[Any], y: Axis, colors: Palette) -> dict[str, Any]:
    """Return an arrow at the border for each point that lies so far beyond it that it is left out."""
    mark = {"type": "text", "text": "▼" if y.higher else "▲", "fontSize": 14, "dy": -8 if y.higher else 10}
    edge = {"value": "height" if y.higher else 0}
    return _of("beyond", mark | {"color": colors.muted}, {"x": across, "y": edge, "tooltip": tooltip})


def _where(test: str, mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    """Return a layer of the points that pass a test: an empty mark is an element for the browser, too."""
    return _of("point", mark, encoding) | {"transform": [{"filter": f"datum.kind === 'point' && {test}"}]}


def _ring(which: str, shape: str, size: int, color: str, place_at: dict[str, Any]) -> dict[str, Any]:
    mark = {"type": "point", "shape": shape, "size": size, "color": color, "strokeWidth": 2.4, "clip": True}
    drawn = _of("point", mark | {"filled": False, "tooltip": None}, place_at)
    return drawn | {"transform": [{"filter": f"datum.{which} === true"}]}


def _limits(x: Axis, y: Axis, across: Any, up: Any, colors: Palette) -> list[dict[str, Any]]:
    """Shade what lies beyond the limits and write at each border whose limit it is."""
    area = {"type": "rect", "color": colors.outside, "opacity": 1}
    border = {"type": "rule", "color": colors.outside_line, "strokeDash": [2, 3], "strokeWidth": 1.2}
    words = {"type": "text", "color": colors.accent, "fontSize": 12, "clip": True}
    beyond_x, beyond_y = (0 if x.higher else "width"), ("height" if y.higher else 0)
    text = {"text": {"field": "label"}}
    side, lift = (-6, "right") if x.higher else (6, "left"), 12 if y.higher else -8
    return [
        _of("limit_x", area | {"clip": True}, {"x": across, "x2": {"value": beyond_x}}),
        _of("limit_y", area | {"clip": True}, {"y": up, "y2": {"value": beyond_y}}),
        _of("limit_x", border | {"clip": True}, {"x": across}),
        _of("limit_y", border | {"clip": True}, {"y": up}),
        _of("limit_x", words | {"dx": side[0], "align": side[1], "dy": -8},
            {"x": across, "y": {"value": "height"}} | text),
        _of("limit_y", words | {"dx": -6, "align": "right", "dy": lift},
            {"y": up, "x": {"value": "width"}} | text),
    ]  # fmt: skip


def _scaled(axis: Axis, field: str, colors: Palette) -> dict[str, Any]:
    scale = {"nice": False, "type": "log"} if axis.log else {"nice": False, "zero": False, "type": "linear"}
    better = ("→" if axis.higher else "←") if field == "x" else "↑" if axis.higher else "↓"
    title = f"{axis.title}  {better} better"
    look = vega_axis(colors, title) | ({"tickCount": 6} if axis.log else {})
    return {"field": field, "type": "quantitative", "scale": scale, "axis": look}
