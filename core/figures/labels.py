"""Where to write the names of points so that they cover neither each other nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]

LETTER, LINE, GAP = 6.6, 16.0, 6.0


@dataclass(frozen=True)
class Spot:
    """A marker in pixels from the lower left corner of the plot.

    Attributes:
        radius: Of its marker.
        name: To write beside it; empty for a marker that is only in the way.
    """

    x: float
    y: float
    radius: float
    name: str = ""


@dataclass(frozen=True)
class Label:
    """Where a name goes, relative to its point: plotly's anchors and shifts."""

    name: str
    xanchor: str
    xshift: float
    yshift: float


def _offers(spot: Spot) -> list[tuple[str, float, float]]:
    # Beside the vertical error bar first; the horizontal one runs through the places at the sides.
    side, lift = spot.radius + GAP, spot.radius + LINE * 0.75
    near = [("left", GAP, lift), ("right", -GAP, lift), ("left", GAP, -lift), ("right", -GAP, -lift)]
    near += [("left", side, 0.0), ("right", -side, 0.0)]
    far = [(anchor, shift, up * steps) for steps in (2.0, 3.0) for anchor, shift, up in near if up]
    return near + far


def _box(spot: Spot, anchor: str, dx: float, dy: float) -> Box:
    width = LETTER * len(spot.name)
    left = spot.x + dx - (0 if anchor == "left" else width)
    return left, spot.y + dy - LINE / 2, left + width, spot.y + dy + LINE / 2


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def place(spots: Sequence[Spot], width: float, height: float, lines: Sequence[Box] = ()) -> list[Label]:
    """Return a label for each named spot, in order, choosing greedily the first place that is free.

    Args:
        spots: Every marker in the plot.
        width: Of the plot in pixels, roughly.
        height: Likewise.
        lines: Thin boxes (left, bottom, right, top) of lines that a name should not lie on.
    """
    taken: list[Box] = [*lines]
    taken += [(s.x - s.radius, s.y - s.radius, s.x + s.radius, s.y + s.radius) for s in spots]
    labels = []
    for spot in (s for s in spots if s.name):

        def cost(offer: tuple[str, float, float], spot: Spot = spot) -> float:
            box = _box(spot, *offer)
            outside = (
                max(0.0, -box[0]) + max(0.0, box[2] - width) + max(0.0, -box[1]) + max(0.0, box[3] - height)
            )
            return 50 * outside + sum(_overlap(box, other) for other in taken)

        best = min(_offers(spot), key=cost)
        taken.append(_box(spot, *best))
        labels.append(Label(spot.name, *best))
    return labels
