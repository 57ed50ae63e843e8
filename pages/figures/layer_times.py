"""Bars of the layers of one call, the longest first, beside those of the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled

BAR_PX, MOST_NAME = 24, 34


@dataclass(frozen=True)
class LayerBar:
    """One layer.

    Attributes:
        name: Of the layer.
        value: Time of a call in the chart's unit.
        group: What it is coloured by, such as its precision.
        theirs: Time of the same layer in the baseline; None where it has none.
    """

    name: str
    value: float
    group: str
    theirs: float | None = None


def layer_times_figure(bars: Sequence[LayerBar], colors: Palette, *, unit: str = "ms") -> go.Figure:
    """Return horizontal bars, coloured by group; a mark shows the baseline's time of the same layer."""
    figure = go.Figure()
    names = [_short(bar.name, at) for at, bar in enumerate(bars)]
    for at, group in enumerate(dict.fromkeys(bar.group for bar in bars)):
        own = [index for index, bar in enumerate(bars) if bar.group == group]
        figure.add_trace(
            go.Bar(
                y=[names[index] for index in own],
                x=[bars[index].value for index in own],
                orientation="h",
                name=group,
                marker={"color": colors.groups[at % len(colors.groups)]},
                customdata=[bars[index].name for index in own],
                hovertemplate=f"%{{customdata}}<br>%{{x:.3g}} {unit}<extra>{group}</extra>",
            )
        )
    beside = [index for index, bar in enumerate(bars) if bar.theirs is not None]
    if beside:
        figure.add_trace(
            go.Scatter(
                y=[names[index] for index in beside],
                x=[bars[index].theirs for index in beside],
                mode="markers",
                name="baseline",
                marker={"symbol": "line-ns-open", "size": 14, "color": colors.baseline, "line": {"width": 3}},
                hovertemplate=f"baseline: %{{x:.3g}} {unit}<extra></extra>",
            )
        )
    styled(figure, colors, 90 + BAR_PX * max(4, len(bars)))
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_xaxes(title_text=f"Time of a call ({unit})", rangemode="tozero")
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False)
    return figure


def _short(name: str, at: int) -> str:
    """Return a name that fits beside its bar, each of its own."""
    shown = name if len(name) <= MOST_NAME else f"…{name[1 - MOST_NAME :]}"
    return f"{shown}{chr(0x200B) * (at + 1)}"  # two cut names may be alike
