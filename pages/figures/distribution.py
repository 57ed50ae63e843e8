"""Latency distribution: empirical distribution of single calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled


@dataclass(frozen=True)
class Sample:
    """Calls of one candidate.

    Attributes:
        name: For the legend.
        values: Times of single calls.
        baseline: Whether this is the uploaded model.
    """

    name: str
    values: tuple[float, ...]
    baseline: bool = False


def distribution_figure(
    samples: Sequence[Sample],
    marks: dict[str, float],
    colors: Palette,
    *,
    unit: str = "ms",
    height: int = 300,
) -> go.Figure:
    """Return a histogram of call times in `unit` with the percentiles `marks` (label to time) as lines."""
    figure = go.Figure()
    tones = iter((colors.accuracy, colors.fidelity, colors.accent))
    for one in samples:
        color = colors.baseline if one.baseline else next(tones, colors.muted)
        figure.add_trace(
            go.Histogram(
                x=list(one.values),
                name=one.name,
                nbinsx=48,
                marker={"color": color, "line": {"color": color, "width": 1}},
                opacity=0.75,
                hovertemplate=f"%{{x}} {unit}: %{{y}} calls<extra>%{{fullData.name}}</extra>",
            )
        )
    above = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    sides = ["right", *["left"] * len(marks)]  # away from each other, however close the lines are
    for (label, value), side in zip(marks.items(), sides, strict=False):
        figure.add_vline(x=value, line={"color": colors.accent, "width": 1.5, "dash": "dot"})
        font = {"size": 12, "color": colors.accent}
        figure.add_annotation(x=value, text=label, font=font, xanchor=side, **above)
    styled(figure, colors, height)
    figure.update_layout(barmode="overlay", bargap=0.02)
    figure.update_xaxes(title_text=f"Time of one call ({unit})")
    figure.update_yaxes(title_text="Calls")
    return figure
