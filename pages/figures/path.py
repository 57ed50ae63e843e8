"""The way of a run: every measured candidate over time, and the best so far as a step line, for Vega-Lite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.figures.multiples import extended
from pages.figures.theme import Palette, vega_axis, vega_config

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Visit:
    """One measured candidate.

    Attributes:
        name: For hovering.
        at: When, in the unit of time.
        value: By which factor it is better than the baseline.
        within: Whether it meets the limits.
        best: The best of those that do, by then.
    """

    name: str
    at: float
    value: float
    within: bool
    best: float


def path_figure(
    visits: Sequence[Visit],
    end: float,
    budget: float | None,
    titles: tuple[str, str],
    colors: Palette,
    *,
    height: int = 300,
) -> tuple[Rows, dict[str, Any]]:
    """Return rows and specification.

    Args:
        visits: In their order, at least one.
        end: Until when the run has worked, in the unit of time.
        budget: Where its time ends; None without a budget.
        titles: Of the horizontal and the vertical axis, with their units.
        colors: Of the theme.
        height: Pixels.
    """
    last = max(end, visits[-1].at)
    rows: Rows = [{"kind": "best", "at": 0.0, "value": 1.0}]
    rows += [{"kind": "best", "at": each.at, "value": each.best} for each in visits]
    rows += [{"kind": "best", "at": last, "value": visits[-1].best}]
    rows += [
        {"kind": "visit", "at": each.at, "value": each.value, "name": each.name,
         "limits": "within the limits" if each.within else "beyond them", "text": f"{each.value:.2f}x"}
        for each in visits
    ]  # fmt: skip
    if budget is not None:
        rows.append({"kind": "budget", "at": budget})
    top = extended((0.0, max(each.value for each in visits)))[1]
    until = max(extended((0.0, last))[1], 1.05 * (budget or 0.0))
    return rows, _spec(until, top, titles, colors, height)


def _spec(until: float, top: float, titles: tuple[str, str], colors: Palette, height: int) -> dict[str, Any]:
    x = {
        "field": "at", "type": "quantitative", "axis": vega_axis(colors, titles[0]),
        "scale": {"domain": [0, until], "nice": False},
    }  # fmt: skip
    y = {
        "field": "value", "type": "quantitative", "axis": vega_axis(colors, titles[1]),
        "scale": {"domain": [0, top], "nice": False},
    }  # fmt: skip
    kinds = ["within the limits", "beyond them"]
    legend = {"title": None, "orient": "top", "labelColor": colors.text}
    look = {"field": "limits", "type": "nominal", "legend": legend}
    told = {"name": "Candidate", "text": "Gain", "limits": "Limits"}
    marker = {
        "x": x, "y": y,
        "shape": look | {"scale": {"domain": kinds, "range": ["circle", "triangle-down"]}},
        "color": look | {"scale": {"domain": kinds, "range": [colors.accuracy, colors.muted]}},
        "tooltip": [{"field": field, "title": title} for field, title in told.items()],
    }  # fmt: skip
    line = {"type": "line", "interpolate": "step-after", "color": colors.accent, "strokeWidth": 2}
    rule = {"type": "rule", "color": colors.outside_line, "strokeDash": [2, 3], "strokeWidth": 1.4}
    words = {"type": "text", "text": "budget", "align": "right", "dx": -5, "dy": 10, "color": colors.accent}
    return {
        "height": height,
        "background": "transparent",
        "layer": [
            _of("best", line, {"x": x, "y": y}),
            _of("visit", {"type": "point", "filled": True, "size": 70, "opacity": 0.85}, marker),
            _of("budget", rule, {"x": x}),
            _of("budget", words, {"x": x, "y": {"value": 0}}),
        ],
        "config": vega_config(colors),
    }


def _of(kind: str, mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark, "encoding": encoding}
