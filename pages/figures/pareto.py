"""Pareto chart: any two figures of each candidate, with confidence intervals, for Vega-Lite.

Everything that changes while a person looks (points, selection, limits) is data, so that the browser moves it
in the picture that is there: zoom and pan stay, nothing is drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

from core.domain.measurement import Interval
from pages.figures.labels import LETTER, LINE, Box, Label, Spot, place
from pages.figures.looks import LEGEND, Look, by_group, by_role
from pages.figures.pareto_spec import PICK, Range, chart_spec
from pages.figures.points import Axis, Point, Role, corners, roles
from pages.figures.theme import Palette

Rows = list[dict[str, Any]]

__all__ = ["CROWDED", "PICK", "axis_range", "pareto_figure"]

MOST_NAMES = 7
CROWDED = 300
"""With more points than these, those of dominated ones have no intervals: nobody could tell them apart."""
PLOT_WIDTH = 720.0  # a guess, narrower than most windows, to lay out names
SMALLEST, LARGEST = 9.0, 20.0
FAR = 10  # times what may be lost, or points of 100: what lost more shows nothing but that
BEYOND = 0.03


def axis_range(points: Sequence[Interval], axis: Axis) -> Range:
    """Return the ends of an axis that shows `points` and, where it is near, the limit; in whole steps.

    A cost starts at zero where equal steps are equal amounts; a share starts a little below the least.
    """
    if axis.log:
        return _log_range(min(p.value for p in points), max(p.value for p in points))
    points = points if axis.whole else _together(points, axis)
    lows, highs = [p.low for p in points], [p.high for p in points]
    near = axis.limit is not None and (axis.share or axis.limit <= 1.3 * max(highs, default=1.0))
    if near and axis.limit is not None:
        lows, highs = [*lows, axis.limit], [*highs, axis.limit]
    low, high = min(lows, default=0.0), max(highs, default=1.0)
    room = (high - low) * 0.1 or max(abs(high) * 0.05, 0.5)
    low, high = (low - room if axis.share or low < 0 else 0.0), high + room
    step = 10.0 ** floor(log10((high - low) / 10))
    low, high = step * floor(low / step), step * ceil(high / step)
    # A little beyond what cannot be exceeded, so that markers at the border are whole.
    return max(low, axis.bounds[0]), min(high, axis.bounds[1] + BEYOND * (high - low))


def _together(points: Sequence[Interval], axis: Axis) -> Sequence[Interval]:
    """Return the points but for a few shares that lie so far from the others that these could not be told."""
    if not axis.share or len(points) < 3:
        return points
    best = (max if axis.higher else min)(p.value for p in points)
    allowed = max(1.0, 0.0 if axis.limit is None else abs(best - axis.limit))
    kept = [p for p in points if abs(best - p.value) <= FAR * allowed]
    span, whole = (max(abs(best - p.value) for p in each) for each in (kept, points))
    return kept if len(kept) * 3 >= len(points) * 2 and 4 * max(span, allowed) < whole else points


def _log_range(low: float, high: float) -> Range:
    """Return the ends of a logarithmic axis, a little outside, in two digits."""
    low, high = low / 1.25, high * 1.25
    down, up = 10.0 ** (floor(log10(low)) - 1), 10.0 ** (floor(log10(high)) - 1)
    return down * floor(low / down), up * ceil(high / up)


def _pixel(value: float, ends: Range, axis: Axis, size: float) -> float:
    low, high = ends
    if axis.log:
        low, high, value = log10(low), log10(high), log10(max(value, 1e-12))
    return (value - low) / ((high - low) or 1.0) * size


def diameters(points: Sequence[Point]) -> dict[str, float]:
    """Return the marker's pixels by id: larger for larger files."""
    largest = max((p.size_bytes for p in points), default=1) or 1
    return {p.id: SMALLEST + (LARGEST - SMALLEST) * (p.size_bytes / largest) ** 0.5 for p in points}


def named(points: Sequence[Point], along: Sequence[Point], chosen: set[str | None]) -> set[str]:
    """Return the ids of the points to name: all of a few; what is chosen, the baseline, some of the front."""
    if len(points) < MOST_NAMES:
        return {p.id for p in points}
    ids = [p.id for p in along if not p.baseline]
    step = max(1.0, (len(ids) - 1) / (MOST_NAMES - 1))
    spread = {ids[round(at * step)] for at in range(min(len(ids), MOST_NAMES))}
    return spread | {p.id for p in points if p.baseline or p.id in chosen}


def _labels(
    points: Sequence[Point], wanted: set[str], along: Sequence[Point], at: Mapping[str, tuple[float, float]],
    sizes: Mapping[str, float], height: float, lines: Sequence[Box],
) -> dict[str, Label]:  # fmt: skip
    spots = [Spot(*at[p.id], sizes[p.id] / 2 + 3, p.name if p.id in wanted else "") for p in points]
    lines = list(lines)
    for one, other in pairwise(along):
        (left, low), (right, high) = at[one.id], at[other.id]
        lines += [(left, low - 1, right, low + 1), (right - 1, min(low, high), right + 1, max(low, high))]
    shown = [p.id for p in points if p.id in wanted]
    return dict(zip(shown, place(spots, PLOT_WIDTH, height, lines), strict=True))


def pareto_figure(
    points: Sequence[Point],
    x: Axis,
    y: Axis,
    colors: Palette,
    *,
    labelled: bool = True,
    recommended: str | None = None,
    selected: str | None = None,
    ranges: tuple[Range, Range] | None = None,
    height: int = 460,
) -> tuple[Rows, dict[str, Any]]:
    """Return rows and specification of the chart of `points`, of which there is one at least.

    The stepped line passes through the points that no other beats on the two shown axes, and through nothing
    else; both axes carry 95 % intervals, faint but for what the mouse is on and what is selected. Among more
    than `CROWDED` points the dominated ones have none.

    Args:
        points: Measured candidates.
        x: Horizontal axis.
        y: Vertical axis.
        colors: Of the theme.
        labelled: Whether y is accuracy; fidelity has its own colour.
        recommended: Id to ring.
        selected: Id to outline.
        ranges: Ends of both axes; by default those that the points need.
        height: Pixels.
    """
    main = colors.quality(labelled)
    found = ranges or (axis_range([p.x for p in points], x), axis_range([p.y for p in points], y))
    known, along, sizes = roles(points, x, y), corners(points, x, y), diameters(points)
    grouped = any(p.group for p in points)
    looks = by_group(points, colors) if grouped else by_role(known, colors, main)
    at = {
        p.id: (_pixel(p.x.value, found[0], x, PLOT_WIDTH), _pixel(p.y.value, found[1], y, height - 90.0))
        for p in points
    }
    inside = [p for p in points if found[1][0] <= p.y.value <= found[1][1]]
    shown = named(inside, [p for p in along if p in inside], {recommended, selected})
    words = _limit_words(x, y, found, height - 90.0)
    labels = _labels(points, shown, along, at, sizes, height - 90.0, words)
    rows = [_limit(axis, name, end) for axis, name, end in ((x, "x", found[0]), (y, "y", found[1]))]
    rows = [row for row in rows if row]
    # The ends of the axes are data, too: they may extend under a zoom.
    rows += [{"kind": "ends", "x": across, "y": up} for across, up in zip(*found, strict=True)]
    rows += [{"kind": "front", "x": p.x.value, "y": _held(p.y.value, found[1])} for p in along]
    marked = {"best": recommended, "chosen": selected}
    hover = list(dict.fromkeys(label for p in points for label in p.hover))
    for p in points:
        row = _row(p, known[p.id], looks[p.id], sizes[p.id], labels.get(p.id), marked, hover)
        if len(points) <= CROWDED or known[p.id] != "dominated" or p.id in marked.values():
            row |= _within(p.x, found[0], "x") | _within(p.y, found[1], "y")
        # At its place it would widen the axis, which the browser makes as wide as the data are.
        rows.append(row if p in inside else row | {"kind": "beyond", "y": _held(p.y.value, found[1])})
    return rows, chart_spec(x, y, colors, main, _legend(looks, grouped, colors, main), hover, height)


def _legend(looks: Mapping[str, Look], grouped: bool, colors: Palette, main: str) -> list[Look]:
    """Return the lines of the legend; all roles, so that it stays the same while candidates arrive."""
    every = {} if grouped else by_role({role: role for role in LEGEND}, colors, main)
    each = {look.label: look for look in (*every.values(), *looks.values())}
    return [each[label] for label in dict.fromkeys([*LEGEND.values(), *sorted(each)]) if label in each]


def _held(value: float, ends: Range) -> float:
    return min(max(value, ends[0]), ends[1])


def _within(found: Interval, ends: Range, name: str) -> dict[str, float]:
    """Return the ends of an interval, no further than the axis goes."""
    return {f"{name}_low": max(found.low, ends[0]), f"{name}_high": min(found.high, ends[1])}


def _limit(axis: Axis, name: str, ends: Range) -> dict[str, Any]:
    if axis.limit is None or not ends[0] < axis.limit < ends[1]:
        return {}
    return {"kind": f"limit_{name}", name: axis.limit, "label": axis.limit_label}


def _limit_words(x: Axis, y: Axis, ends: tuple[Range, Range], height: float) -> list[Box]:
    """Return where the words at the limits stand, roughly, for names to keep off them."""
    boxes: list[Box] = []
    if _limit(x, "x", ends[0]):
        at, wide = _pixel(x.limit or 0.0, ends[0], x, PLOT_WIDTH), LETTER * len(x.limit_label)
        left = at - 6 - wide if x.higher else at + 6
        boxes.append((left, 0.0, left + wide, LINE))
    if _limit(y, "y", ends[1]):
        at, wide = _pixel(y.limit or 0.0, ends[1], y, height), LETTER * len(y.limit_label)
        boxes.append((PLOT_WIDTH - 6 - wide, at - LINE - 4, PLOT_WIDTH, at + 2) if y.higher else
                     (PLOT_WIDTH - 6 - wide, at - 2, PLOT_WIDTH, at + LINE))  # fmt: skip
    return boxes


def _row(
    p: Point,
    role: Role,
    look: Look,
    size: float,
    label: Label | None,
    marked: Mapping[str, str | None],
    hover: Sequence[str],
) -> dict[str, Any]:
    row = {
        "kind": "point", "id": p.id, "name": p.name, "x": p.x.value, "y": p.y.value,
        "role": role, "group": look.label, "size": size**2, "fill": 0.0 if role == "dominated" else 0.9,
        "label": "", "dx": 0.0, "dy": 0.0, "align": "left",
    }  # fmt: skip
    row |= {name: p.id == chosen for name, chosen in marked.items()}
    row |= {f"hover_{number}": p.hover.get(name, "–") for number, name in enumerate(hover)}
    if label is not None:
        row |= {"label": label.name, "dx": label.xshift, "dy": -label.yshift, "align": label.xanchor}
    return row
