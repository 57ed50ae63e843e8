"""Single calls as they come in, before there is a figure with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import plotly.graph_objects as go

from core.figures.multiples import extended
from core.figures.theme import Palette, styled


def calls_figure(ms: Sequence[float], calls: int, colors: Palette, *, height: int = 260) -> go.Figure:
    """Return the time of each call over its number, with the median so far as a line.

    Args:
        ms: Milliseconds of calls, evenly thinned, in their order; at least one.
        calls: How many there were before they were thinned.
        colors: Of the theme.
        height: Pixels.
    """
    every, middle = max(1, round(calls / len(ms))), median(ms)
    _, last = extended((0.0, float(calls)))
    # One call that the system interrupted would press all others flat.
    _, top = extended((0.0, min(max(ms), 2.5 * middle)))
    dots = go.Scatter(
        x=[1 + at * every for at in range(len(ms))], y=list(ms), mode="markers", showlegend=False,
        marker={"size": 5, "color": colors.baseline, "opacity": 0.6},
        hovertemplate="call %{x}: %{y:.3g} ms<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(dots)
    figure.add_hline(y=middle, line={"color": colors.accent, "width": 1.5})
    figure.add_annotation(
        x=1, xref="paper", xanchor="right", y=middle, yanchor="bottom", showarrow=False,
        text=f"median {middle:.3g} ms", font={"size": 13, "color": colors.accent}, bgcolor=colors.veil,
    )  # fmt: skip
    styled(figure, colors, height)
    figure.update_layout(margin={"l": 8, "r": 12, "t": 12, "b": 8}, uirevision="calls")
    figure.update_xaxes(title_text="Call", range=(0, last), fixedrange=True)
    figure.update_yaxes(title_text="Time (ms)", range=(0, top), fixedrange=True)
    return figure
