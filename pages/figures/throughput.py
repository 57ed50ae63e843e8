"""Throughput chart: samples per second against batch size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled


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


def throughput_figure(series: Sequence[Series], colors: Palette, *, height: int = 300) -> go.Figure:
    """Return a chart of samples per second over batch size, one line per candidate, from zero."""
    figure = go.Figure()
    tones = iter((colors.accuracy, colors.fidelity, colors.accent))
    for one in series:
        color = colors.baseline if one.baseline else next(tones, colors.muted)
        batches = sorted(one.values)
        figure.add_trace(
            go.Scatter(
                x=[str(batch) for batch in batches],
                y=[one.values[batch] for batch in batches],
                mode="lines+markers",
                name=one.name,
                line={"color": color, "width": 2, "dash": "dot" if one.baseline else "solid"},
                marker={"size": 9, "symbol": "diamond" if one.baseline else "circle"},
                hovertemplate="batch %{x}: %{y:,.0f} samples/s<extra>%{fullData.name}</extra>",
            )
        )
    styled(figure, colors, height)
    figure.update_xaxes(title_text="Batch size (samples per call)", type="category")
    figure.update_yaxes(title_text="Throughput (samples/s)", rangemode="tozero")
    return figure
