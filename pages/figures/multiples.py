"""Small multiples: one figure of every candidate in a panel, the same rows in all of them (Tufte, 1983).

As on the Pareto chart everything that changes while a person looks is data: for Vega-Lite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Any

from core.domain.measurement import Interval
from pages.figures.looks import SHAPES
from pages.figures.pareto_spec import PICK
from pages.figures.points import Role
from pages.figures.theme import Palette, vega_axis, vega_config

Rows = list[dict[str, Any]]
ROW = 40
NAME, DOT = -9, 8  # pixels from the middle of a row: its name above, its dot below
LETTERS = 36  # of a name that fit in; of a longer one the middle is left out, the runtime stands last
TAIL_LETTERS = 20


@dataclass(frozen=True)
class Mark:
    """One candidate in one panel.

    Attributes:
        id: Goes into the selection.
        name: Above its line.
        value: With its interval; None where there is none yet or none at all.
        text: The figure as written to the right, or how the candidate stands.
        role: As on the Pareto chart; None where it is not placed.
        hover: What hovering says, by labels.
    """

    id: str
    name: str
    value: Interval | None
    text: str
    role: Role | None = None
    hover: Mapping[str, str] = field(default_factory=dict)


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


def _step(width: float) -> float:
    """Return 1, 2 or 5 times a power of ten, of which four to ten make `width`."""
    power: float = 10.0 ** floor(log10(width / 4))
    return max(size * power for size in (1, 2, 5) if 4 * size * power <= width * (1 + 1e-9))


def panel_figure(
    marks: Sequence[Mark],
    panel: Panel,
    colors: Palette,
    *,
    color: str,
    recommended: str | None = None,
    selected: str | None = None,
) -> tuple[Rows, dict[str, Any]]:
    """Return rows and specification: a dot with its interval for each candidate, its figure to the right.

    Args:
        marks: One a row, from top to bottom.
        panel: What they show.
        colors: Of the theme.
        color: Of the dots that are on the front.
        recommended: Id to colour.
        selected: Id whose row is shaded.
    """
    low, high = panel.span or (0.0, 1.0)
    limit = panel.limit
    if limit is not None and not (limit > low if panel.least else limit < high):
        limit = None
    rows: Rows = [{"kind": "ends", "x": end} for end in (low, high)]
    if limit is not None:
        rows.append({"kind": "limit", "x": limit})
    hover = list(dict.fromkeys(label for mark in marks for label in mark.hover))
    for at, mark in enumerate(marks):
        row = _row(at, mark, colors, color, mark.id == recommended)
        row |= {"base": panel.baseline, "limit": limit, "chosen": mark.id == selected}
        rows.append(row | {f"hover_{n}": mark.hover.get(label, "–") for n, label in enumerate(hover)})
    return rows, _spec(panel, colors, hover)


def _row(at: int, mark: Mark, colors: Palette, color: str, best: bool) -> dict[str, Any]:
    tint = {"tied": colors.muted, "baseline": colors.baseline}.get(mark.role or "", color)
    tone, value = colors.accent if best else tint, mark.value
    return {
        "kind": "mark", "row": at, "id": mark.id, "name": mark.name,
        "label": _short(f"★ {mark.name}" if best else mark.name), "text": mark.text,
        "ink": colors.text if value is not None else colors.muted,
        "x": value and value.value, "low": value and value.low, "high": value and value.high,
        "tone": tone, "fill": colors.surface if mark.role == "dominated" and not best else tone,
        "shape": SHAPES.get(mark.role, "circle") if mark.role is not None else "circle",
    }  # fmt: skip


def _short(name: str) -> str:
    """Return `name` without its middle where it is too long; what is left of the end begins with a word."""
    if len(name) <= LETTERS:
        return name
    end = name[-TAIL_LETTERS:].partition(" ")[2] or name[-TAIL_LETTERS:]
    return f"{name[: LETTERS - 2 - len(end)].rstrip(' +')}… {end}"


def _spec(panel: Panel, colors: Palette, hover: Sequence[str]) -> dict[str, Any]:
    look = vega_axis(colors, "") | {
        "title": None, "orient": "top", "tickCount": 4, "labels": panel.span is not None, "domain": False,
        "labelColor": colors.muted, "ticks": False,
    }  # fmt: skip
    x = {
        "field": "x", "type": "quantitative", "axis": look,
        "scale": {"zero": False, "nice": False},
    }  # fmt: skip
    y = {"field": "row", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0, "paddingOuter": 0}}
    left, right = {"value": 0}, {"value": "width"}
    words = {"type": "text", "align": "left", "fontSize": 12, "baseline": "middle"}
    as_is = {"type": "nominal", "scale": None, "legend": None}
    tick = {"type": "tick", "orient": "vertical", "size": 19, "thickness": 1.4, "yOffset": DOT}
    tone = {"color": as_is | {"field": "tone"}}
    dot = {"type": "point", "size": 75, "strokeWidth": 1.8, "opacity": 1, "yOffset": DOT}
    tooltip = [{"field": "name", "title": "Candidate"}]
    tooltip += [{"field": f"hover_{number}", "title": label} for number, label in enumerate(hover)]
    beyond = {"value": 0} if panel.least else right
    layers = [
        _of("ends", {"type": "point", "opacity": 0}, {"x": x}),
        _of("limit", {"type": "rect", "color": colors.outside, "opacity": 1}, {"x": x, "x2": beyond}),
        _of("mark", {"type": "rect", "color": colors.chosen}, {"y": y, "x": left, "x2": right}, "chosen"),
        _of("mark", tick | {"color": colors.outside_line}, {"x": x | {"field": "limit"}, "y": y}, "limit"),
        _of("mark", tick | {"color": colors.baseline}, {"x": x | {"field": "base"}, "y": y}, "base"),
        _of("mark", words | {"dy": NAME, "dx": 1, "color": colors.text},
            {"x": left, "y": y, "text": {"field": "label"}}),
        _of("mark", {"type": "rule", "strokeWidth": 1.8, "yOffset": DOT},
            {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y} | tone, "x"),
        _of("mark", dot, {
            "x": x, "y": y, "stroke": as_is | {"field": "tone"}, "fill": as_is | {"field": "fill"},
            "shape": as_is | {"field": "shape"},
        }, "x"),
        _of("mark", words | {"dx": 8, "dy": DOT},
            {"x": right, "y": y, "text": {"field": "text"}, "color": as_is | {"field": "ink"}}),
        _of("mark", {"type": "rect", "opacity": 0, "cursor": "pointer"},
            {"y": y, "x": left, "x2": right, "tooltip": tooltip}) | {"name": "targets"},
    ]  # fmt: skip
    click = {"type": "point", "fields": ["id"], "on": "click", "toggle": "true", "clear": False}
    return {
        "height": {"step": ROW},
        "background": "transparent",
        "title": {"text": panel.title, "anchor": "start", "color": colors.text, "fontSize": 14, "offset": 8},
        "params": [{"name": PICK, "select": click, "views": ["targets"]}],
        "layer": layers,
        "config": vega_config(colors),
        "usermeta": {"embedOptions": {"renderer": "svg"}},
    }


def _of(kind: str, mark: dict[str, Any], encoding: dict[str, Any], having: str = "") -> dict[str, Any]:
    """Return the layer of the rows of a kind, of those that have a field only."""
    fits = f"datum.kind === '{kind}'"
    if having:
        fits += f" && isValid(datum.{having}) && datum.{having} !== false"
    return {"transform": [{"filter": fits}], "mark": mark, "encoding": encoding}
