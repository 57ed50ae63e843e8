"""Speed-up attribution chart: latency after each step from the uploaded model to a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled

BAR, FRAME = 44, 96


@dataclass(frozen=True)
class Stage:
    """Latency of a call after one step.

    Attributes:
        label: What was changed.
        latency: Median time of one call from there on.
        note: Written beside the bar, such as how much faster it became.
    """

    label: str
    latency: float
    note: str


def origins_figure(stages: Sequence[Stage], colors: Palette, unit: str = "ms") -> go.Figure:
    """Return horizontal bars from zero in `unit`, the uploaded model first, the candidate last."""
    tones = [colors.baseline, *[colors.muted] * (len(stages) - 2), colors.accuracy]
    figure = go.Figure(
        go.Bar(
            x=[stage.latency for stage in stages],
            y=[stage.label for stage in stages],
            orientation="h",
            marker={"color": tones[: len(stages)]},
            text=[stage.note for stage in stages],
            textposition="outside",
            textfont={"color": colors.text},
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    styled(figure, colors, FRAME + BAR * len(stages))
    longest = max(stage.latency for stage in stages)
    figure.update_xaxes(title_text=f"Latency ({unit})", range=(0, 1.45 * longest))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure
