"""Pictures of the Learn pages, drawn from values."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, pi, sin

import plotly.graph_objects as go

from core.domain.learn import Picture
from pages.figures.theme import Palette, styled

HEIGHT = 260
FORMATS = {"FP32": (1, 8, 23), "BF16": (1, 8, 7), "FP16": (1, 5, 10)}
"""Bits of sign, exponent and fraction (IEEE 754, and the upper half of FP32)."""
POINTS, LEVELS, BLOCK = 96, 16, 16
ROWS, COLUMNS = 10, 22


def picture_figure(
    picture: Picture, chain: Sequence[Sequence[str]], colors: Palette
) -> tuple[go.Figure, str]:
    """Return a picture and what it shows, in words.

    Args:
        picture: Which.
        chain: Names of what leads to what, for `Picture.CHAIN`.
        colors: Of the theme.
    """
    draw = {
        Picture.FLOATS: _floats,
        Picture.LEVELS: _levels,
        Picture.BLOCKS: _blocks,
        Picture.LAYERS: _layers,
        Picture.CHANNELS: _channels,
        Picture.WEIGHTS: _weights,
        Picture.DEPTH: _depth,
        Picture.FACTORS: _factors,
        Picture.CURVE: _curve,
    }.get(picture)
    figure = go.Figure()
    words = _chain(figure, chain, colors) if draw is None else draw(figure, colors)
    styled(figure, colors, HEIGHT)
    if picture not in (Picture.CURVE, Picture.LEVELS, Picture.BLOCKS):
        figure.update_xaxes(visible=False)
        figure.update_yaxes(showgrid=False, visible=picture is Picture.FLOATS)
    figure.update_layout(dragmode=False, hovermode=False)
    return figure, words


def _floats(figure: go.Figure, colors: Palette) -> str:
    names = list(FORMATS)[::-1]
    parts = ("sign", "exponent (range)", "fraction (precision)")
    tones = (colors.muted, colors.accent, colors.accuracy)
    for at, (part, tone) in enumerate(zip(parts, tones, strict=True)):
        bits = [FORMATS[name][at] for name in names]
        look = {"color": tone, "line": {"color": colors.surface, "width": 2}}
        text = [str(each) for each in bits]
        figure.add_bar(
            x=bits, y=names, orientation="h", name=part, marker=look, text=text, textposition="inside"
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    return (
        "The bits of a number: BF16 keeps the range of FP32 and drops precision, FP16 keeps more precision."
    )


def _signal(at: int) -> float:
    return sin(2 * pi * at / POINTS) + 0.35 * sin(6 * pi * at / POINTS + 1)


def _rounded(value: float, largest: float, levels: int) -> float:
    step = 2 * largest / (levels - 1)
    return round(value / step) * step


def _levels(figure: go.Figure, colors: Palette) -> str:
    values = [_signal(at) for at in range(POINTS)]
    largest = max(map(abs, values))
    rounded = [_rounded(each, largest, LEVELS) for each in values]
    _lines(figure, values, rounded, colors, f"rounded to {LEVELS} levels")
    return (
        f"Every value becomes the nearest of evenly spaced levels: {LEVELS} here, so that the steps can be "
        "seen; 256 with 8 bits. One value far outside stretches the steps for all others."
    )


def _blocks(figure: go.Figure, colors: Palette) -> str:
    values = [_signal(at) * (0.25 + 0.75 * (at // BLOCK % 2)) for at in range(POINTS)]
    rounded = list[float]()
    for start in range(0, POINTS, BLOCK):
        part = values[start : start + BLOCK]
        rounded += [_rounded(each, max(map(abs, part)), LEVELS // 2) for each in part]
        figure.add_vline(x=start, line={"color": colors.muted, "width": 1, "dash": "dot"})
    _lines(figure, values, rounded, colors, "rounded, a scale for each block")
    return "Each block of values has a scale of its own, so that small values keep small steps."


def _lines(
    figure: go.Figure, values: Sequence[float], rounded: Sequence[float], colors: Palette, name: str
) -> None:
    line = {"color": colors.baseline, "width": 2, "dash": "dot"}
    figure.add_scatter(y=list(values), mode="lines", name="in floating point", line=line)
    stepped = {"color": colors.accuracy, "width": 2.5, "shape": "hv"}
    figure.add_scatter(y=list(rounded), mode="lines", name=name, line=stepped)
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=False)


def _boxes(
    figure: go.Figure, labels: Sequence[str], fills: Sequence[str | None], colors: Palette, wide: float = 0.8
) -> None:
    for at, (label, fill) in enumerate(zip(labels, fills, strict=True)):
        line = {"color": colors.muted, "width": 1.5, "dash": "solid" if fill else "dot"}
        box = {"x0": at - wide / 2, "x1": at + wide / 2, "y0": -0.35, "y1": 0.35}
        figure.add_shape(type="rect", **box, line=line, fillcolor=fill or "rgba(0,0,0,0)", layer="below")
        tone = colors.surface if fill else colors.text
        figure.add_annotation(x=at, y=0, text=label, showarrow=False, font={"color": tone, "size": 13})
        if at:
            _arrow(figure, at - 1 + wide / 2, at - wide / 2, colors)
    figure.update_xaxes(range=[-0.6, len(labels) - 0.4])
    figure.update_yaxes(range=[-1, 1])


def _arrow(figure: go.Figure, start: float, end: float, colors: Palette) -> None:
    where = {"x": end, "y": 0, "ax": start, "ay": 0, "xref": "x", "yref": "y", "axref": "x", "ayref": "y"}
    look = {"arrowhead": 2, "arrowwidth": 1.5, "arrowcolor": colors.muted, "text": ""}
    figure.add_annotation(showarrow=True, **where, **look)


def _layers(figure: go.Figure, colors: Palette) -> str:
    kinds = ["BF16", "INT8", "INT8", "INT8", "BF16", "INT8", "INT8", "BF16"]
    fills = [colors.accuracy if kind == "INT8" else colors.baseline for kind in kinds]
    _boxes(figure, kinds, fills, colors)
    return "Layer by layer, 8 bits only where they save time and cost little."


def _depth(figure: go.Figure, colors: Palette) -> str:
    kept = [True, True, False, True, False, True]
    fills = [colors.accuracy if each else None for each in kept]
    _boxes(figure, ["block" if each else "left out" for each in kept], fills, colors)
    return "In place of a residual block, its input is passed on."


def _matrix(
    figure: go.Figure, shape: tuple[int, int], left: float, gone: set[tuple[int, int]], tone: str
) -> None:
    """Draw a matrix as cells; `gone` ones are only outlined."""
    for keep in (True, False):
        at = [(x, y) for y in range(shape[0]) for x in range(shape[1]) if ((y, x) not in gone) is keep]
        symbol = "square" if keep else "square-open"
        look = {"symbol": symbol, "size": 13, "color": tone, "opacity": 0.95 if keep else 0.25}
        xs, ys = [left + x for x, _ in at], [-y + shape[0] / 2 for _, y in at]
        figure.add_scatter(x=xs, y=ys, mode="markers", marker=look, showlegend=False)


def _channels(figure: go.Figure, colors: Palette) -> str:
    gone = {(y, x) for y in (1, 4, 5, 8) for x in range(COLUMNS)}
    _matrix(figure, (ROWS, COLUMNS), 0, gone, colors.accuracy)
    return "Whole rows of the weights go, and with them the columns of the next layer: a smaller matrix."


def _weights(figure: go.Figure, colors: Palette) -> str:
    gone = {(y, x) for y in range(ROWS) for x in range(COLUMNS) if (y * 7 + x * 11 + x * y * 3) % 10 < 5}
    _matrix(figure, (ROWS, COLUMNS), 0, gone, colors.accuracy)
    return "Single weights become zero (drawn empty). The matrix keeps its size, and so does the work."


def _factors(figure: go.Figure, colors: Palette) -> str:
    _matrix(figure, (ROWS, ROWS + 2), 0, set(), colors.baseline)
    _matrix(figure, (ROWS, 2), ROWS + 5, set(), colors.accuracy)
    _matrix(figure, (2, ROWS + 2), ROWS + 10, set(), colors.accuracy)
    for x, sign in ((ROWS + 3.2, "≈"), (ROWS + 8.2, "×")):
        figure.add_annotation(x=x, y=0.5, text=sign, showarrow=False, font={"size": 24, "color": colors.text})
    whole, thin = ROWS * (ROWS + 2), 2 * (ROWS + ROWS + 2)
    return f"Two thinner matrices in place of one: {thin} weights here instead of {whole}."


def _curve(figure: go.Figure, colors: Palette) -> str:
    steps = list(range(0, 601, 20))
    given = [88.0 - 18.0 * exp(-step / 120) for step in steps]
    line = {"color": colors.accuracy, "width": 2.5}
    figure.add_scatter(x=steps, y=given, mode="lines", name="in training", line=line)
    figure.add_hline(y=88.5, line={"color": colors.baseline, "width": 2, "dash": "dot"})
    figure.add_annotation(x=0, y=88.5, text="your model", showarrow=False, xanchor="left", yanchor="bottom")
    figure.update_xaxes(title_text="Training steps", showticklabels=False)
    figure.update_yaxes(title_text="Accuracy", showticklabels=False, range=[66, 92])
    return "Most of the loss comes back in the first steps (a sketch, not a measurement)."


def _chain(figure: go.Figure, chain: Sequence[Sequence[str]], colors: Palette) -> str:
    middle = len(chain) // 2 if len(chain) > 2 else len(chain) - 1
    tones = [colors.accuracy if at == middle else None for at in range(len(chain))]
    _boxes(figure, ["<br>".join(names) for names in chain], tones, colors, wide=0.62)
    return " → ".join(" or ".join(names) for names in chain)
