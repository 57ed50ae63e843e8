"""Confusion matrix as a heat map: labels down, answers across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pages.figures.theme import Palette, styled

NUMBERED = 16
"""Up to so many classes the counts stand in the cells."""


def confusion_figure(
    cells: Mapping[tuple[int, int], int],
    names: Sequence[str],
    colors: Palette,
    *,
    down: str = "Label",
    across: str = "Answer",
) -> go.Figure:
    """Return a heat map of the share of each row, with counts in the cells of few classes.

    Args:
        cells: Count by position of row and column among `names`; empty ones may be absent.
        names: Of the classes.
        colors: Of the theme.
        down: What rows are.
        across: What columns are.
    """
    size = len(names)
    counts = [[cells.get((row, column), 0) for column in range(size)] for row in range(size)]
    totals = [max(sum(row), 1) for row in counts]
    shares = [[100 * each / total for each in row] for row, total in zip(counts, totals, strict=True)]
    text = [[str(each) if each else "" for each in row] for row in counts]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(range(size)),
            y=list(range(size)),
            zmin=0,
            zmax=100,
            customdata=counts,
            text=text if size <= NUMBERED else None,
            texttemplate="%{text}" if size <= NUMBERED else None,
            colorscale=[[0, colors.surface], [0.05, _between(colors, 0.22)], [1, colors.accuracy]],
            colorbar={"title": {"text": f"% of the {down.lower()}"}, "thickness": 12, "outlinewidth": 0},
            xgap=1,
            ygap=1,
        )
    )
    hover = [
        [f"{down} {names[row]}, {across.lower()} {names[column]}" for column in range(size)]
        for row in range(size)
    ]
    figure.update_traces(
        hovertext=hover, hovertemplate="%{hovertext}<br>%{customdata} samples, %{z:.1f} %<extra></extra>"
    )
    styled(figure, colors, max(320, min(640, 120 + 26 * size)))
    ticks = {"tickvals": list(range(size)), "ticktext": [_short(name) for name in names], "showgrid": False}
    figure.update_xaxes(title_text=across, **ticks)
    figure.update_yaxes(title_text=down, autorange="reversed", **ticks)
    return figure


def _between(colors: Palette, share: float) -> str:
    """Return a colour between the surface and that of accuracy: few samples are to be seen, too."""
    ends = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in (colors.surface, colors.accuracy)]
    mixed = (round(low + share * (high - low)) for low, high in zip(*ends, strict=True))
    return f"rgb({', '.join(map(str, mixed))})"


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"
