"""Reliability diagram: accuracy against confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled


@dataclass(frozen=True)
class Calibration:
    """Bins of one model.

    Attributes:
        name: For the legend.
        confidence: Mean confidence in each bin, 0 to 1.
        accuracy: Share of right answers in it.
        counts: Samples in it; empty bins are not drawn.
        baseline: Whether this is the uploaded model.
    """

    name: str
    confidence: Sequence[float]
    accuracy: Sequence[float]
    counts: Sequence[int]
    baseline: bool = False


def reliability_figure(models: Sequence[Calibration], colors: Palette, *, height: int = 340) -> go.Figure:
    """Return accuracy over confidence in percent, one line per model, beside the perfect diagonal.

    Markers grow with the samples of their bin.
    """
    figure = go.Figure()
    line = {"color": colors.muted, "width": 1, "dash": "dot"}
    figure.add_scatter(x=[0, 100], y=[0, 100], mode="lines", line=line, name="perfect", hoverinfo="skip")
    most = max((count for each in models for count in each.counts), default=1) or 1
    for each in models:
        held = [at for at, count in enumerate(each.counts) if count]
        color = colors.baseline if each.baseline else colors.accuracy
        figure.add_scatter(
            x=[100 * each.confidence[at] for at in held],
            y=[100 * each.accuracy[at] for at in held],
            customdata=[each.counts[at] for at in held],
            mode="lines+markers",
            name=each.name,
            line={"color": color, "width": 2, "dash": "dot" if each.baseline else "solid"},
            marker={
                "size": [6 + 12 * (each.counts[at] / most) ** 0.5 for at in held],
                "symbol": "diamond" if each.baseline else "circle",
                "opacity": 0.85,
            },
            hovertemplate="%{customdata} samples of %{x:.1f} % confidence: %{y:.1f} % right"
            "<extra>%{fullData.name}</extra>",
        )
    styled(figure, colors, height)
    figure.update_xaxes(title_text="Confidence (%)", range=[-2, 103])
    figure.update_yaxes(title_text="Right answers (%)", range=[-2, 103])
    return figure
