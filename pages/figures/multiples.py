"""Small multiples: one figure of every candidate in a panel, the same rows in all of them (Tufte, 1983)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import plotly.graph_objects as go

from core.domain.measurement import Interval
from pages.figures.points import Role
from pages.figures.theme import Palette, styled

ROW, HEAD, FOOT = 40, 54, 8
LEVEL = 0.18  # of a row: where its dot lies below the middle, its name above
VALUES = 80  # pixels to the right, where the figures stand
LETTERS = 43  # of a name that fit in; of a longer one the middle is left out, the runtime stands last
TAIL_LETTERS = 23


@dataclass(frozen=True)
class Mark:
    """One candidate in one panel.

    Attributes:
        id: Goes into the selection.
        name: Above its line.
        value: With its interval; None where there is none yet or none at all.
        text: The figure as written to the right, or how the candidate stands.
        role: As on the Pareto chart; None where it is not placed.
        hover: What hovering says, in HTML.
    """

    id: str
    name: str
    value: Interval | None
    text: str
    role: Role | None = None
    hover: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel: title, span, baseline and limit.

    Attributes:
        title: With its unit.
        span: Least and largest value on the axis; None before anything is measured.
        baseline: Where the uploaded model lies; None until it is measured.
        limit: The person's limit; None for none.
        least: Whether the limit is the least that is allowed, rather than the most.
    """

    title: str
    span: tuple[float, float] | None
    baseline: float | None = None
    limit: float | None = None
    least: bool = False


def extended(ends: tuple[float, float], bounds: tuple[float, float] | None = None) -> tuple[float, float]:
    """Return a span of whole steps that holds `ends`.

    It grows by whole steps as `ends` do, so that an axis stays as it is while most candidates arrive.

    Args:
        ends: Least and largest value.
        bounds: What the figure cannot leave, such as 0 and 100 percent.
    """
    low, high = ends
    step = _step((high - low) or abs(high) or 1.0)
    span = step * floor(low / step + 1e-9), step * ceil(1.02 * high / step - 1e-9)
    if bounds is not None:
        span = max(bounds[0], span[0]), min(bounds[1], step * ceil(high / step - 1e-9))
    return span


def _ends(panel: Panel) -> tuple[float, float]:
    return panel.span or (0.0, 1.0)


def _step(width: float) -> float:
    """Return 1, 2 or 5 times a power of ten, of which four to ten make `width`."""
    power: float = 10.0 ** floor(log10(width / 4))
    return max(size * power for size in (1, 2, 5) if 4 * size * power <= width * (1 + 1e-9))


def panel_height(rows: int) -> int:
    """Return the pixels of a panel with so many rows."""
    return HEAD + ROW * rows + FOOT


def panel_figure(
    marks: Sequence[Mark],
    panel: Panel,
    colors: Palette,
    *,
    color: str,
    recommended: str | None = None,
    selected: str | None = None,
) -> go.Figure:
    """Return a dot with its interval for each candidate, row below row, and the figure to the right.

    Args:
        marks: One a row, from top to bottom.
        panel: What they show.
        colors: Of the theme.
        color: Of the dots that are on the front.
        recommended: Id to colour.
        selected: Id whose row is shaded.
    """
    figure = go.Figure()
    _bounds(figure, panel, len(marks), colors)
    for at, mark in enumerate(marks):
        if mark.id == selected:
            figure.add_shape(
                type="rect", xref="paper", x0=0, x1=2, y0=at - 0.5, y1=at + 0.5, layer="below",
                fillcolor=colors.chosen, line_width=0,
            )  # fmt: skip
    figure.add_trace(_targets(marks, panel))
    figure.add_trace(_names(marks, panel, colors, recommended))
    tint = {
        "front": color,
        "tied": colors.muted,
        "dominated": color,
        "baseline": colors.baseline,
        None: color,
    }
    for role in dict.fromkeys(mark.role for mark in marks if mark.value is not None):
        members = [
            (at, mark) for at, mark in enumerate(marks) if mark.role == role and mark.value is not None
        ]
        fill = colors.surface if role == "dominated" else tint[role]
        figure.add_trace(_dots(role, members, tint[role], fill))
    chosen = [
        (at, mark) for at, mark in enumerate(marks) if mark.id == recommended and mark.value is not None
    ]
    if chosen:
        figure.add_trace(_dots("front", chosen, colors.accent, colors.accent))
    styled(figure, colors, panel_height(len(marks)))
    _axes(figure, marks, panel, colors)
    return figure


def _bounds(figure: go.Figure, panel: Panel, rows: int, colors: Palette) -> None:
    """Shade what lies beyond the limit, and draw limit and baseline through all rows, behind no name."""
    low, high = _ends(panel)
    if panel.limit is not None and (panel.limit > low if panel.least else panel.limit < high):
        left, right = (low, panel.limit) if panel.least else (panel.limit, high)
        figure.add_shape(
            type="rect", x0=left, x1=right, y0=-0.5, y1=rows - 0.5, layer="below",
            fillcolor=colors.outside, line_width=0,
        )  # fmt: skip
        figure.add_trace(_line(panel.limit, rows, colors.outside_line, "limit"))
    if panel.baseline is not None:
        figure.add_trace(_line(panel.baseline, rows, colors.baseline, "baseline"))


def _line(x: float, rows: int, color: str, meta: str) -> go.Scatter:
    ends = [end for at in range(rows) for end in (at + LEVEL - 0.24, at + LEVEL + 0.24, None)]
    return go.Scatter(
        x=[x if end is not None else None for end in ends], y=ends, mode="lines",
        line={"color": color, "width": 1.4}, hoverinfo="skip", showlegend=False, meta=meta,
    )  # fmt: skip


def _targets(marks: Sequence[Mark], panel: Panel) -> go.Bar:
    """Return rows to hover and to click, which nobody sees."""
    low, high = _ends(panel)
    unseen = {"marker": {"opacity": 0}}
    return go.Bar(
        x=[high - low] * len(marks), y=list(range(len(marks))), base=low, orientation="h", width=1.0,
        customdata=[[mark.id] for mark in marks], text=[mark.hover for mark in marks], textposition="none",
        hovertemplate="%{text}<extra></extra>", marker={"opacity": 0}, selected=unseen, unselected=unseen,
        showlegend=False, meta="targets",
    )  # fmt: skip


def _short(name: str) -> str:
    """Return `name` without its middle where it is too long; what is left of the end begins with a word."""
    if len(name) <= LETTERS:
        return name
    end = name[-TAIL_LETTERS:].partition(" ")[2] or name[-TAIL_LETTERS:]
    return f"{name[: LETTERS - 2 - len(end)].rstrip(' +')}… {end}"


def _names(marks: Sequence[Mark], panel: Panel, colors: Palette, recommended: str | None) -> go.Scatter:
    font = {"size": 12, "color": colors.text}
    shown = [_short(f"★ {mark.name}" if mark.id == recommended else mark.name) for mark in marks]
    return go.Scatter(
        x=[_ends(panel)[0]] * len(marks), y=[at - 0.22 for at in range(len(marks))], text=shown,
        mode="text", textposition="middle right", textfont=font, cliponaxis=False,
        unselected={"textfont": {"color": colors.text}}, hoverinfo="skip", showlegend=False, meta="names",
    )  # fmt: skip


def _dots(role: Role | None, members: Sequence[tuple[int, Mark]], color: str, fill: str) -> go.Scatter:
    values = [mark.value for _, mark in members if mark.value is not None]
    bars = {
        "type": "data", "symmetric": False, "color": color, "thickness": 1.8, "width": 4,
        "array": [value.high - value.value for value in values],
        "arrayminus": [value.value - value.low for value in values],
    }  # fmt: skip
    symbol = "diamond" if role == "baseline" else "circle"
    return go.Scatter(
        x=[value.value for value in values], y=[at + LEVEL for at, _ in members], mode="markers",
        marker={"size": 9, "symbol": symbol, "color": fill, "line": {"color": color, "width": 1.8}},
        error_x=bars, unselected={"marker": {"opacity": 1}}, cliponaxis=False,
        hoverinfo="skip", showlegend=False, meta=role or "unplaced",
    )  # fmt: skip


def _axes(figure: go.Figure, marks: Sequence[Mark], panel: Panel, colors: Palette) -> None:
    title = {"text": f"<b>{panel.title}</b>", "x": 0, "xref": "paper", "y": 1, "yref": "container"}
    font = {"size": 14, "color": colors.text}
    figure.update_layout(
        title=title | {"yanchor": "top", "pad": {"t": 8}, "font": font},
        margin={"l": 4, "r": VALUES, "t": HEAD, "b": FOOT}, bargap=0, dragmode=False,
    )  # fmt: skip
    figure.update_xaxes(
        range=_ends(panel), showticklabels=panel.span is not None, side="top", fixedrange=True,
        showline=False, automargin=False,
        tickfont={"size": 12, "color": colors.muted}, nticks=5,
    )  # fmt: skip
    figure.update_yaxes(
        range=(len(marks) - 0.5, -0.5), side="right", fixedrange=True, ticklabelstandoff=8, automargin=False,
        tickvals=[at + LEVEL for at in range(len(marks))], ticktext=[_figure(mark, colors) for mark in marks],
        tickfont={"size": 12, "color": colors.text},
    )  # fmt: skip


def _figure(mark: Mark, colors: Palette) -> str:
    if mark.value is not None:
        return mark.text
    return f'<span style="color:{colors.muted}">{mark.text}</span>'
