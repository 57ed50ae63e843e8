"""Throughput against latency over batch sizes and threads."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.domain.sweep import Setting
from pages.figures.theme import Palette, styled

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "hexagon")


def sweep_figure(
    settings: Sequence[Setting],
    best: Setting | None,
    limit_ms: float | None,
    colors: Palette,
    *,
    height: int = 360,
) -> go.Figure:
    """Return samples per second over the median of a call, a line for each number of threads.

    Args:
        settings: In the order of threads, then batch.
        best: To be marked.
        limit_ms: Latency limit, drawn as a line.
        colors: Of the theme.
        height: Pixels.
    """
    figure = go.Figure()
    tones = (colors.accuracy, colors.fidelity, colors.baseline, colors.muted)
    for at, threads in enumerate(dict.fromkeys(each.threads for each in settings)):
        line = [each for each in settings if each.threads == threads]
        figure.add_scatter(
            x=[each.p50_ms for each in line],
            y=[each.per_s for each in line],
            text=[str(each.batch) for each in line],
            textposition="top center",
            textfont={"size": 11, "color": colors.text},
            mode="lines+markers+text",
            name=f"{threads} thread{'s' if threads > 1 else ''}",
            line={"color": tones[at % len(tones)], "width": 2},
            marker={"size": 8, "symbol": SYMBOLS[at % len(SYMBOLS)]},
            hovertemplate="batch %{text}: %{x:.3g} ms a call, %{y:,.0f} samples/s"
            "<extra>%{fullData.name}</extra>",
        )
    if best is not None:
        ring = {"size": 18, "color": "rgba(0,0,0,0)", "line": {"color": colors.accent, "width": 2.5}}
        figure.add_scatter(
            x=[best.p50_ms], y=[best.per_s], mode="markers", marker=ring, name="best", hoverinfo="skip"
        )
    if limit_ms is not None:
        figure.add_vline(x=limit_ms, line={"color": colors.outside_line, "width": 1.5, "dash": "dash"})
    styled(figure, colors, height)
    figure.update_xaxes(title_text="Latency of one call, median (ms)", type="log", dtick="D2")
    figure.update_yaxes(title_text="Throughput (samples/s)", rangemode="tozero")
    return figure
