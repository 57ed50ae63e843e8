"""Thumbnail of a Pareto front: a small SVG as an address that a table's image column shows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from math import isfinite, log

from pages.figures.theme import Palette

WIDTH, HEIGHT, EDGE = 104.0, 36.0, 5.0
MOST_DOTS = 60

Dot = tuple[float, float, bool]


def _places(values: Sequence[float], size: float) -> list[float]:
    """Return where `values` lie on `size` pixels, from one edge to the other."""
    low, high = min(values), max(values)
    return [
        EDGE + (size - 2 * EDGE) * ((value - low) / (high - low) if high > low else 0.5) for value in values
    ]


def thumbnail(dots: Sequence[Dot], colors: Palette) -> str | None:
    """Return a data address of a picture: latency to the right, loss downwards, the front as a step line.

    Args:
        dots: Latency, loss and whether it is on the front, of each measured candidate.
        colors: Of the theme.

    Returns:
        None where there are not two of them.
    """
    if len(dots) < 2:
        return None
    known = [loss for _, loss, _ in dots if isfinite(loss)]
    least = min(known, default=0.0)
    across = _places([log(max(ms, 1e-9)) for ms, _, _ in dots], WIDTH)
    down = _places([loss if isfinite(loss) else least for _, loss, _ in dots], HEIGHT)
    placed = [(x, y, on_front) for x, y, (_, _, on_front) in zip(across, down, dots, strict=True)]
    front = sorted((x, y) for x, y, on_front in placed if on_front)
    path = f"M{front[0][0]:.1f} {front[0][1]:.1f}" if front else ""
    path += "".join(f"H{x:.1f}V{y:.1f}" for x, y in front[1:])
    others = [place for place in placed if not place[2]][:MOST_DOTS]
    circles = [_circle(x, y, 1.8, colors.muted) for x, y, _ in others]
    circles += [_circle(x, y, 2.4, colors.accuracy) for x, y in front[:MOST_DOTS]]
    line = f'<path d="{path}" fill="none" stroke="{colors.accuracy}" stroke-width="1.3"/>'
    size = f'width="{WIDTH:.0f}" height="{HEIGHT:.0f}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{line}{"".join(circles)}</svg>'
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _circle(x: float, y: float, radius: float, color: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}"/>'
