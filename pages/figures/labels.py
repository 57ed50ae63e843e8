"""Label placement: names of points that cover neither each other nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
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
    """Position of a label relative to its point: plotly's anchors and shifts."""

    name: str
    xanchor: str
    xshift: float
    yshift: float


def _offers(spot: Spot) -> list[tuple[str, float, float]]:
    # Beside the vertical error bar first; the horizontal one runs through the places at the sides.
    side, lift = spot.radius + GAP, spot.radius + LINE * 0.75
    near = [("left", GAP, lift), ("right", -GAP, lift), ("left", GAP, -lift), ("right", -GAP, -lift)]
    near += [("left", side, 0.0), ("right", -side, 0.0)]
    far = [(anchor, shift, up * steps) for steps in (2.0, 3.0, 4.0) for anchor, shift, up in near if up]
    return near + far


def _box(spot: Spot, anchor: str, dx: float, dy: float) -> Box:
    width = LETTER * len(spot.name)
    left = spot.x + dx - (0 if anchor == "left" else width)
    return left, spot.y + dy - LINE / 2, left + width, spot.y + dy + LINE / 2


def _covered(box: Box, taken: Boxes) -> float:
    """Return how many square pixels of `taken` lie under `box`."""
    wide = np.minimum(box[2], taken[:, 2]) - np.maximum(box[0], taken[:, 0])
    high = np.minimum(box[3], taken[:, 3]) - np.maximum(box[1], taken[:, 1])
    return float((wide.clip(0) * high.clip(0)).sum())


def _cost(box: Box, width: float, height: float, taken: Boxes) -> float:
    outside = max(0.0, -box[0]) + max(0.0, box[2] - width) + max(0.0, -box[1]) + max(0.0, box[3] - height)
    return 1000 * outside + _covered(box, taken)


def place(spots: Sequence[Spot], width: float, height: float, lines: Sequence[Box] = ()) -> list[Label]:
    """Return a label for each named spot, in order, choosing greedily the first place that is free.

    Args:
        spots: Every marker in the plot.
        width: Of the plot in pixels, roughly.
        height: Likewise.
        lines: Thin boxes (left, bottom, right, top) of lines that a name should not lie on.
    """
    markers = [(s.x - s.radius, s.y - s.radius, s.x + s.radius, s.y + s.radius) for s in spots]
    taken = np.array([*lines, *markers], np.float64).reshape(-1, 4)
    labels = []
    for spot in (s for s in spots if s.name):
        boxes = {offer: _box(spot, *offer) for offer in _offers(spot)}
        costs = {offer: _cost(box, width, height, taken) for offer, box in boxes.items()}
        best = min(costs, key=costs.__getitem__)
        taken = np.vstack([taken, boxes[best]])
        labels.append(Label(spot.name, *best))
    return labels
