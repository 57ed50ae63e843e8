"""Bars of the layers of one call, the longest first, each held against the baseline's."""

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
    """Return horizontal bars, coloured by group, with how many times faster than in the baseline each is."""
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
                text=[_beside(bars[index]) for index in own],
                textposition="outside",
                cliponaxis=False,
                customdata=[_told(bars[index], unit) for index in own],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    styled(figure, colors, 90 + BAR_PX * max(4, len(bars)))
    figure.update_layout(barmode="stack", bargap=0.25)
    longest = max((bar.value for bar in bars), default=1.0)
    figure.update_xaxes(title_text=f"Time of a call ({unit})", range=[0, 1.12 * longest])
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False)
    return figure


def _beside(bar: LayerBar) -> str:
    return f"{bar.theirs / bar.value:.2g}×" if bar.theirs and bar.value > 0 else ""


def _told(bar: LayerBar, unit: str) -> str:
    theirs = f"<br>{bar.theirs:.3g} {unit} in the baseline" if bar.theirs is not None else ""
    return f"{bar.name}<br>{bar.value:.3g} {unit}, {bar.group}{theirs}"


def _short(name: str, at: int) -> str:
    """Return a name that fits beside its bar, each of its own."""
    shown = name if len(name) <= MOST_NAME else f"…{name[1 - MOST_NAME :]}"
    return f"{shown}{chr(0x200B) * (at + 1)}"  # two cut names may be alike
