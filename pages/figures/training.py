"""Training curves: figures of a training over its steps, as it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pages.figures.theme import Palette

Rows = list[dict[str, float | str]]


def curve_figure(
    points: Sequence[tuple[float, Mapping[str, float]]],
    names: Mapping[str, str],
    title: str,
    steps: float,
    colors: Palette,
    *,
    height: int = 240,
) -> tuple[Rows, Any]:
    """Return one line for each of `names`, for Vega-Lite: it grows without being drawn anew.

    Args:
        points: The step and its figures, in their order.
        names: Figures to draw, with what they are called in the legend.
        title: Of the vertical axis.
        steps: Planned in all, the end of the horizontal axis.
        colors: Of the theme.
        height: Pixels.

    Returns:
        The rows ``step``, ``line`` and ``value``, and the specification.
    """
    rows: Rows = [
        {"step": step, "line": names[name], "value": figures[name]}
        for step, figures in points
        for name in names
        if name in figures
    ]
    shown = [name for name in names.values() if any(row["line"] == name for row in rows)]
    tones = [colors.accent, colors.fidelity, colors.accuracy][: len(shown)]
    look = {
        "gridColor": colors.grid, "domainColor": colors.grid, "tickColor": colors.grid,
        "labelColor": colors.text, "titleColor": colors.text, "titleFontWeight": "normal", "tickCount": 5,
    }  # fmt: skip
    color = {
        "field": "line",
        "type": "nominal",
        "scale": {"domain": shown, "range": tones},
        "legend": {"title": None, "orient": "top", "labelColor": colors.text, "symbolType": "stroke"},
    }
    y = {"field": "value", "type": "quantitative", "scale": {"zero": False}, "axis": look | {"title": title}}
    x = {
        "field": "step",
        "type": "quantitative",
        "scale": {"domain": [0, max(steps, 1.0)]},
        "axis": look | {"title": "Step"},
    }
    mark = {"type": "line", "point": {"size": 24}, "strokeWidth": 1.8, "tooltip": True}
    spec = {
        "height": height,
        "background": "transparent",
        "mark": mark,
        "encoding": {"x": x, "y": y, "color": color},
        "config": {"view": {"stroke": None}},
    }
    return rows, spec
