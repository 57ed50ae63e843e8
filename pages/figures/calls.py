"""Live latency chart: single calls as they come in, before there is a figure with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from pages.figures.multiples import extended
from pages.figures.theme import Palette

Rows = list[dict[str, float]]


def calls_figure(ms: Sequence[float], calls: int, colors: Palette, *, height: int = 260) -> tuple[Rows, Any]:
    """Return the time of each call over its number, with the median so far as a line.

    It is a Vega-Lite chart and not one of plotly, which the page would take away and draw anew every second.

    Args:
        ms: Milliseconds of calls, evenly thinned, in their order; at least one.
        calls: How many there were before they were thinned.
        colors: Of the theme.
        height: Pixels.

    Returns:
        The rows ``call``, ``ms`` and ``median``, and the specification, which changes with the axes only.
    """
    every, middle = max(1, round(calls / len(ms))), median(ms)
    rows = [{"call": 1.0 + at * every, "ms": value, "median": middle} for at, value in enumerate(ms)]
    last = extended((0.0, float(calls)))[1]
    # One call that the system interrupted would press all others flat.
    top = extended((0.0, min(max(ms), 2.5 * middle)))[1]
    x, y = _axis("call", "Call", last, colors), _axis("ms", "Time (ms)", top, colors)
    dots = {
        "type": "circle",
        "size": 28,
        "color": colors.baseline,
        "opacity": 0.6,
        "clip": True,
        "tooltip": True,
    }
    line = {"type": "line", "color": colors.accent, "strokeWidth": 1.5}
    spec = {
        "height": height,
        "background": "transparent",
        "layer": [
            {"mark": dots, "encoding": {"x": x, "y": y}},
            {"mark": line, "encoding": {"x": x, "y": y | {"field": "median"}}},
        ],
        "config": {"view": {"stroke": None}},
    }
    return rows, spec


def _axis(field: str, title: str, end: float, colors: Palette) -> dict[str, Any]:
    look = {
        "title": title, "gridColor": colors.grid, "domainColor": colors.grid, "tickColor": colors.grid,
        "labelColor": colors.text, "titleColor": colors.text, "titleFontWeight": "normal", "tickCount": 5,
    }  # fmt: skip
    return {"field": field, "type": "quantitative", "scale": {"domain": [0, end]}, "axis": look}
