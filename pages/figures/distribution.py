"""Latency distribution: empirical distribution of single calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled

BINS = 48
SHARE = 0.98
"""Of the calls, that the axis shows at least."""


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
    """Return a histogram of call times in `unit` with the percentiles `marks` (label to time) as lines.

    The axis ends where it shows the marks and nearly all calls: a slow one would press the others flat.
    """
    figure, low, high = go.Figure(), *_ends(samples, marks)
    tones = iter((colors.accuracy, colors.fidelity, colors.accent))
    for one in samples:
        color = colors.baseline if one.baseline else next(tones, colors.muted)
        figure.add_trace(
            go.Histogram(
                x=list(one.values),
                name=one.name,
                xbins={"start": low, "end": high, "size": (high - low) / BINS},
                marker={"color": color, "line": {"color": color, "width": 1}},
                opacity=0.75,
                hovertemplate=f"%{{x}} {unit}: %{{y}} calls<extra>%{{fullData.name}}</extra>",
            )
        )
    above = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    sides = ["right", *["left"] * len(marks)]  # away from each other, however close the lines are
    for at, ((label, value), side) in enumerate(zip(marks.items(), sides, strict=False)):
        figure.add_vline(x=value, line={"color": colors.accent, "width": 1.5, "dash": "dot"})
        font = {"size": 12, "color": colors.accent}
        lifted = 14 if at > 1 else 0  # above its neighbour, which may be close
        figure.add_annotation(x=value, text=label, font=font, xanchor=side, yshift=lifted, **above)
    styled(figure, colors, height)
    figure.update_layout(barmode="overlay", bargap=0.02)
    figure.update_xaxes(title_text=f"Time of one call ({unit})", range=[low, high])
    figure.update_yaxes(title_text="Calls")
    return figure


def _ends(samples: Sequence[Sample], marks: dict[str, float]) -> tuple[float, float]:
    """Return the ends of the axis."""
    every = sorted(value for one in samples for value in one.values) or [0.0, 1.0]
    low, high = every[0], max(every[int(SHARE * (len(every) - 1))], *marks.values(), 0.0)
    room = 0.04 * (high - low) or 0.5 * high or 1.0
    return max(0.0, low - room), high + room


def beyond(samples: Sequence[Sample], marks: dict[str, float]) -> int:
    """Return how many calls are slower than the axis shows."""
    high = _ends(samples, marks)[1]
    return sum(value > high for one in samples for value in one.values)
