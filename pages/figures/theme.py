"""Plotly theme: colours and layout of every figure.

Hues are from Okabe and Ito's palette (Color Universal Design, 2008), which people with any common
colour vision deficiency can tell apart; role is also carried by shape or line, never by hue alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

FONT = '"Source Sans", "Source Sans Pro", system-ui, sans-serif'


@dataclass(frozen=True)
class Palette:
    """Colours of one theme.

    Attributes:
        text: Titles, ticks and labels.
        muted: Secondary text and tied points.
        grid: Grid lines.
        surface: Behind hover labels and rings, the page's own background.
        veil: Behind names, so that a line below does not cross the letters.
        accuracy: Points whose quality is accuracy against labels.
        fidelity: Points whose quality is only agreement with the original.
        baseline: The model as it was uploaded.
        accent: The ring around what is recommended.
        chosen: Behind the row that is selected.
        outside: Shade over the region outside the limits.
        outside_line: Its border.
        groups: To tell runtimes or techniques apart; each goes with a shape of its own.
    """

    text: str
    muted: str
    grid: str
    surface: str
    veil: str
    accuracy: str
    fidelity: str
    baseline: str
    accent: str
    chosen: str
    outside: str
    outside_line: str
    groups: tuple[str, ...]

    def quality(self, labelled: bool) -> str:
        """Return the colour of accuracy, or of fidelity where there are no labels."""
        return self.accuracy if labelled else self.fidelity


LIGHT = Palette(
    text="#1d2733",
    muted="#98a2ae",
    grid="#e6eaee",
    surface="#ffffff",
    veil="rgba(255, 255, 255, 0.6)",
    accuracy="#0072b2",
    fidelity="#a3478a",
    baseline="#3f4a57",
    accent="#d55e00",
    chosen="rgba(29, 39, 51, 0.07)",
    outside="rgba(213, 94, 0, 0.07)",
    outside_line="rgba(213, 94, 0, 0.65)",
    groups=("#0072b2", "#d55e00", "#007f5f", "#a3478a", "#8a6d00", "#3a8fbf", "#66717e"),
)

DARK = Palette(
    text="#e6ebf0",
    muted="#7d8894",
    grid="#2a333d",
    surface="#12181f",
    veil="rgba(18, 24, 31, 0.6)",
    accuracy="#56b4e9",
    fidelity="#e09ac6",
    baseline="#c3ccd6",
    accent="#ff9d4d",
    chosen="rgba(230, 235, 240, 0.10)",
    outside="rgba(255, 157, 77, 0.08)",
    outside_line="rgba(255, 157, 77, 0.6)",
    groups=("#56b4e9", "#ff9d4d", "#4cc9a0", "#e09ac6", "#f0e442", "#8ab4f8", "#97a3af"),
)


def palette(dark: bool) -> Palette:
    """Return the colours of the dark or the light theme."""
    return DARK if dark else LIGHT


def styled(figure: go.Figure, colors: Palette, height: int) -> go.Figure:
    """Return `figure` with the house layout: transparent, quiet grid, legend above, `height` pixels."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 36, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 14, "color": colors.text},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        hoverlabel={
            "bgcolor": colors.surface,
            "bordercolor": colors.muted,
            "font": {"family": FONT, "size": 13, "color": colors.text},
            "align": "left",
        },
        hovermode="closest",
        dragmode="pan",
        template="none",
    )
    axes = {
        "gridcolor": colors.grid,
        "linecolor": colors.grid,
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 14, "color": colors.text}, "standoff": 12},
        "tickfont": {"size": 13, "color": colors.text},
    }
    figure.update_xaxes(**axes, showline=True)
    figure.update_yaxes(**axes)
    return figure


def vega_axis(colors: Palette, title: str) -> dict[str, Any]:
    """Return the house's axis for Vega-Lite."""
    return {
        "title": title, "gridColor": colors.grid, "domainColor": colors.grid, "tickColor": colors.grid,
        "labelColor": colors.text, "titleColor": colors.text, "titleFontWeight": "normal", "tickCount": 5,
        "labelFontSize": 12, "titleFontSize": 13, "titlePadding": 8, "labelOverlap": True,
    }  # fmt: skip


def vega_config(colors: Palette) -> dict[str, Any]:
    """Return the house's settings for Vega-Lite."""
    return {
        # A chart is one picture with its alternative text, and a table says the same: marks say nothing more.
        "mark": {"aria": False},
        "view": {"stroke": None},
        "font": FONT,
        "axis": {"labelFont": FONT, "titleFont": FONT},
        "legend": {"labelFont": FONT, "labelColor": colors.text},
    }
