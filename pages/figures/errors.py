"""Histogram of the errors of predicted numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled


def errors_figure(
    edges: Sequence[float],
    ours: Sequence[int],
    theirs: Sequence[int],
    name: str,
    colors: Palette,
    *,
    height: int = 320,
) -> go.Figure:
    """Return the errors of a candidate as bars and those of the baseline as a line of steps.

    Args:
        edges: Bounds of the bins, one more than there are bins.
        ours: Errors of the candidate in each bin.
        theirs: Of the baseline.
        name: Of the candidate.
        colors: Of the theme.
        height: Pixels.
    """
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    hover = "error of about %{x:.3g}: %{y}<extra>%{fullData.name}</extra>"
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=list(ours),
            name=name,
            marker={"color": colors.accuracy},
            opacity=0.7,
            hovertemplate=hover,
        )
    )
    line = {"color": colors.baseline, "width": 2, "shape": "hvh", "dash": "dot"}
    figure.add_scatter(
        x=middles, y=list(theirs), name="baseline", mode="lines", line=line, hovertemplate=hover
    )
    figure.add_vline(x=0, line={"color": colors.muted, "width": 1})
    styled(figure, colors, height)
    figure.update_layout(bargap=0.05)
    figure.update_xaxes(title_text="Error (answer minus label)")
    figure.update_yaxes(title_text="Numbers")
    return figure
