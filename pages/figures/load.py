"""Throughput and latency of a service under load."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

import plotly.graph_objects as go

from core.domain.service import Load
from pages.figures.theme import Palette, styled


def load_figure(loads: Sequence[Load], bare_ms: float, colors: Palette, *, height: int = 320) -> go.Figure:
    """Return requests per second over the median time to an answer, a point for each number of clients.

    Args:
        loads: In the order of clients.
        bare_ms: Median of a bare call, drawn as a line.
        colors: Of the theme.
        height: Pixels.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[each.p50_ms for each in loads],
        y=[each.requests_per_s for each in loads],
        text=[str(each.clients) for each in loads],
        customdata=[[each.clients, each.p99_ms if each.p99_ms is not None else "–"] for each in loads],
        textposition="top center",
        textfont={"size": 11, "color": colors.text},
        mode="lines+markers+text",
        line={"color": colors.accuracy, "width": 2},
        marker={"size": 8},
        hovertemplate="%{customdata[0]} clients: %{y:,.0f} requests/s, p50 %{x:.3g} ms, "
        "p99 %{customdata[1]:.3g} ms<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=bare_ms, line={"color": colors.outside_line, "width": 1.5, "dash": "dash"})
    # On a logarithmic axis a line lies at the value, and a text at its logarithm.
    figure.add_annotation(
        text="bare call",
        x=log10(bare_ms),
        y=1,
        yref="paper",
        xanchor="left",
        showarrow=False,
        font={"size": 11, "color": colors.text},
    )
    styled(figure, colors, height)
    figure.update_xaxes(title_text="Time to an answer, median (ms)", type="log", dtick="D2")
    figure.update_yaxes(title_text="Requests/s", rangemode="tozero")
    return figure
