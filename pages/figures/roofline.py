"""Roofline chart: achieved rate against arithmetic intensity, under the roofs of the machine.

After S. Williams, A. Waterman and D. Patterson, Communications of the ACM 52(4), 2009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled

SYMBOLS = ("circle", "square", "triangle-up", "cross")


@dataclass(frozen=True)
class RoofPoint:
    """One layer under the roofs.

    Attributes:
        name: Of the layer.
        intensity: MACs per byte.
        rate: Achieved GMAC/s.
        precision: In which it ran, by which it is coloured.
        share: Of the time of a call, 0 to 1, by which it is sized.
        told: What hovering says.
    """

    name: str
    intensity: float
    rate: float
    precision: str
    share: float
    told: str


def roofline_figure(
    points: Sequence[RoofPoint],
    compute: Mapping[str, float],
    bandwidth: Mapping[str, float],
    colors: Palette,
    *,
    used: str = "",
    height: int = 420,
) -> go.Figure:
    """Return the chart, logarithmic on both axes.

    Args:
        points: The layers; none draws the roofs alone.
        compute: GMAC/s by precision: the level roofs.
        bandwidth: GB/s by level of memory: the slanted roofs.
        colors: Of the theme.
        used: The level that the layers read from, whose roof is drawn strong.
        height: Pixels.
    """
    figure = go.Figure()
    tones = {name: colors.groups[at % len(colors.groups)] for at, name in enumerate(compute)}
    low, high = _span(points, compute, bandwidth)
    for at, (level, rate) in enumerate(bandwidth.items()):
        strong = level == used or not used
        top = max(compute.values(), default=rate * high)
        end = min(high, top / rate)
        line = {"color": colors.text if strong else colors.muted, "width": 2 if strong else 1, "dash": "dot"}
        figure.add_trace(_line([low, end], [low * rate, end * rate], line, f"{level}: {rate:,.0f} GB/s"))
        # Lines of caches lie close together: names at other places do not cover each other.
        place = low * (end / low) ** (0.03 + 0.24 * at)
        _name(figure, place, place * rate, f"{level} {rate:,.0f} GB/s", "left", "middle", colors)
    slope = bandwidth.get(used) or max(bandwidth.values(), default=0.0)
    for precision, rate in compute.items():
        start = max(low, rate / slope) if slope else low
        line = {"color": tones[precision], "width": 2}
        figure.add_trace(_line([start, high], [rate, rate], line, f"{precision}: {rate:,.0f} GMAC/s"))
        _name(figure, high, rate, f"{precision} {rate:,.0f} GMAC/s", "right", "bottom", colors)
    for at, precision in enumerate(dict.fromkeys(point.precision for point in points)):
        own = [point for point in points if point.precision == precision]
        figure.add_trace(
            go.Scatter(
                x=[point.intensity for point in own],
                y=[point.rate for point in own],
                mode="markers",
                name=f"layers in {precision or 'unknown precision'}",
                marker={
                    "size": [8 + 40 * min(0.5, point.share) for point in own],
                    "symbol": SYMBOLS[at % len(SYMBOLS)],
                    "color": tones.get(precision, colors.muted),
                    "line": {"color": colors.surface, "width": 1},
                    "opacity": 0.85,
                },
                customdata=[point.told for point in own],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    styled(figure, colors, height)
    figure.update_layout(showlegend=bool(points), margin={"l": 8, "r": 16, "t": 40, "b": 8})
    rates = [point.rate for point in points] or [low * min(bandwidth.values(), default=1.0)]
    ceiling = max([*compute.values(), *rates], default=1.0)
    figure.update_xaxes(
        title_text="Arithmetic intensity (MACs per byte)", type="log", range=[log10(low), log10(high)]
    )
    figure.update_yaxes(
        title_text="Rate (GMAC/s)", type="log", range=[log10(min(rates) / 2), log10(ceiling * 2)]
    )
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(dtick=1, minor={"showgrid": False})
    return figure


def _span(
    points: Sequence[RoofPoint], compute: Mapping[str, float], bandwidth: Mapping[str, float]
) -> tuple[float, float]:
    ridges = [rate / slope for rate in compute.values() for slope in bandwidth.values()]
    found = [*ridges, *(point.intensity for point in points)]
    return min(found, default=0.1) / 3, max(found, default=10.0) * 12


def _line(x: list[float], y: list[float], line: Mapping[str, object], told: str) -> go.Scatter:
    return go.Scatter(
        x=x, y=y, mode="lines", line=line, showlegend=False, hovertemplate=f"{told}<extra></extra>"
    )


def _name(figure: go.Figure, x: float, y: float, text: str, across: str, up: str, colors: Palette) -> None:
    figure.add_annotation(
        x=log10(x),
        y=log10(y),
        text=text,
        showarrow=False,
        xanchor=across,
        yanchor=up,
        font={"size": 12, "color": colors.text},
        bgcolor=colors.veil,
    )
