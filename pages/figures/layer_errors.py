"""Error of a candidate behind each layer, from the first to the last, for Vega-Lite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.figures.theme import Palette, vega_axis, vega_config

Rows = list[dict[str, Any]]
NAMED, LETTERS, LINE = 3, 28, 15.0


@dataclass(frozen=True)
class LayerPoint:
    """One layer.

    Attributes:
        name: Of the layer.
        operator: Such as ``Conv``.
        percent: Size of the error by the size of the values, in percent.
        before: The same in front of the layer.
        share: Of all growth of the error, what this layer adds, 0 to 1.
        told: Signal to noise, written out.
    """

    name: str
    operator: str
    percent: float
    before: float
    share: float
    told: str


def layer_errors_figure(
    points: Sequence[LayerPoint], colors: Palette, *, height: int = 320
) -> tuple[Rows, dict[str, Any]]:
    """Return rows and specification; the layers that add most are marked and named.

    Args:
        points: In the order of the graph, at least one.
        colors: Of the theme.
        height: Pixels.
    """
    loudest = sorted(range(len(points)), key=lambda at: -points[at].share)[:NAMED]
    rows: Rows = [
        {"number": at + 1, "name": each.name, "operator": each.operator, "percent": each.percent,
         "error": f"{each.percent:.3g} %", "before": f"{each.before:.3g} %", "share": each.share,
         "adds": f"{each.share:.0%}", "sqnr": each.told, "loud": at in loudest and each.share > 0,
         "label": _short(each.name), "left": at > len(points) / 2, "lift": -8.0 - LINE * _step(at, loudest)}
        for at, each in enumerate(points)
    ]  # fmt: skip
    return rows, _spec(len(points), colors, height)


def _step(at: int, loudest: Sequence[int]) -> int:
    """Return how many lines above its mark a name stands, one more for each that is named before it."""
    return sorted(loudest).index(at) if at in loudest else 0


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"…{name[1 - LETTERS :]}"


def _spec(count: int, colors: Palette, height: int) -> dict[str, Any]:
    x = {
        "field": "number", "type": "quantitative",
        "axis": vega_axis(colors, "Layer, in the order of the graph"),
        "scale": {"domain": [0, count + 1], "nice": False},
    }  # fmt: skip
    y = {
        "field": "percent", "type": "quantitative", "scale": {"zero": True, "nice": True},
        "axis": vega_axis(colors, "Error (% of the values)"),
    }  # fmt: skip
    told = {
        "name": "Layer", "operator": "Operator", "error": "Error behind it", "before": "In front of it",
        "adds": "Of all growth", "sqnr": "SQNR",
    }  # fmt: skip
    point = {
        "x": x, "y": y, "size": {"field": "share", "type": "quantitative", "legend": None,
                                 "scale": {"domain": [0, 1], "range": [24, 700]}},
        "color": {"condition": {"test": "datum.loud", "value": colors.accent}, "value": colors.accuracy},
        "tooltip": [{"field": field, "title": title} for field, title in told.items()],
    }  # fmt: skip
    words = {
        "type": "text", "baseline": "bottom", "dy": {"expr": "datum.lift"}, "fontSize": 12,
        "color": colors.text,
        "align": {"expr": "datum.left ? 'right' : 'left'"},
    }  # fmt: skip
    return {
        "height": height,
        "background": "transparent",
        "layer": [
            {
                "mark": {"type": "line", "color": colors.muted, "strokeWidth": 1.4},
                "encoding": {"x": x, "y": y},
            },
            {"mark": {"type": "point", "filled": True, "opacity": 0.9}, "encoding": point},
            {
                "transform": [{"filter": "datum.loud"}],
                "mark": words,
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
        "config": vega_config(colors),
    }
