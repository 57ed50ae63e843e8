"""Latency over time: the calls of one candidate in their order, disturbed ones marked."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled

TOP = 3.0
"""Of the median, where the axis ends: a single slow call would press the others flat."""


def series_figure(
    times: Sequence[float],
    lost: Sequence[float],
    starts: Sequence[int],
    median: float,
    colors: Palette,
    *,
    unit: str = "ms",
    height: int = 300,
) -> go.Figure:
    """Return the time of each call over its number; what is beyond the axis stands at its top, as a triangle.

    Args:
        times: Of the kept calls, in their order.
        lost: What other programs took of each; empty where that was not recorded.
        starts: Positions at which a fresh process begins.
        median: Of the undisturbed calls.
        colors: Of the theme.
        unit: Of all times.
        height: Pixels.
    """
    figure, top = go.Figure(), TOP * median
    hit = [bool(lost) and lost[at] > 0 for at in range(len(times))]
    for name, chosen, color, symbol in (
        ("undisturbed", False, colors.accuracy, "circle"),
        ("disturbed by another program", True, colors.accent, "x"),
    ):
        at = [index for index, each in enumerate(hit) if each is chosen]
        if at:
            figure.add_scatter(
                x=[index + 1 for index in at],
                y=[min(times[index], top) for index in at],
                customdata=[[times[index], lost[index] if lost else 0] for index in at],
                mode="markers",
                name=name,
                marker={
                    "color": color,
                    "symbol": [symbol if times[index] <= top else "triangle-up" for index in at],
                    "size": [6 if times[index] <= top else 10 for index in at],
                    "opacity": 0.75,
                },
                hovertemplate=f"call %{{x}}: %{{customdata[0]:.3g}} {unit}"
                + (f", %{{customdata[1]:.3g}} {unit} of it lost" if chosen else "")
                + "<extra></extra>",
            )
    figure.add_hline(y=median, line={"color": colors.baseline, "width": 1.5, "dash": "dot"})
    for begin in starts[1:]:
        figure.add_vline(x=begin + 0.5, line={"color": colors.muted, "width": 1})
    styled(figure, colors, height)
    figure.update_xaxes(title_text="Call, in order (evenly thinned)")
    figure.update_yaxes(title_text=f"Time ({unit})", range=[0, min(top, max(times, default=top)) * 1.06])
    return figure
