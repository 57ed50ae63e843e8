"""Throughput chart: samples per second against batch size, for Vega-Lite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.figures.theme import Palette, vega_axis, vega_config

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Series:
    """Throughput of one candidate.

    Attributes:
        name: For the legend.
        values: Samples per second by batch size.
        baseline: Whether this is the uploaded model.
    """

    name: str
    values: dict[int, float]
    baseline: bool = False


def throughput_figure(
    series: Sequence[Series], colors: Palette, *, height: int = 300
) -> tuple[Rows, dict[str, Any]]:
    """Return rows and specification: samples per second over batch size, a line per candidate, from zero."""
    rows: Rows = [
        {"name": one.name, "batch": batch, "rate": rate, "told": f"{rate:,.0f} samples/s"}
        for one in series
        for batch, rate in sorted(one.values.items())
    ]
    tones = iter((colors.accuracy, colors.fidelity, colors.accent))
    looks = [
        (one.name, colors.baseline if one.baseline else next(tones, colors.muted), one.baseline)
        for one in series
    ]
    return rows, _spec(looks, colors, height)


def _spec(looks: Sequence[tuple[str, str, bool]], colors: Palette, height: int) -> dict[str, Any]:
    names = [name for name, _, _ in looks]
    legend = {
        "title": None, "orient": "top", "labelColor": colors.text, "labelFontSize": 13, "labelLimit": 300,
        "columns": 1,
    }  # fmt: skip
    one = {"field": "name", "type": "nominal", "sort": None, "legend": legend}
    color, dash, shape = (
        one | {"scale": {"domain": names, "range": found}}
        for found in (
            [tone for _, tone, _ in looks],
            [[3, 3] if base else [1, 0] for _, _, base in looks],
            ["diamond" if base else "circle" for _, _, base in looks],
        )
    )
    at = {
        "x": {"field": "batch", "type": "ordinal",
              "axis": vega_axis(colors, "Batch size (samples per call)") | {"labelAngle": 0}},
        "y": {"field": "rate", "type": "quantitative", "axis": vega_axis(colors, "Throughput (samples/s)")},
        "color": color,
    }  # fmt: skip
    told = {"name": "Candidate", "batch": "Batch", "told": "Throughput"}
    tooltip = [{"field": field, "title": title} for field, title in told.items()]
    return {
        "height": height,
        "background": "transparent",
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": at | {"strokeDash": dash}},
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": at | {"shape": shape, "tooltip": tooltip},
            },
        ],
        "config": vega_config(colors),
    }
