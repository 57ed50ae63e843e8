"""Random detections beside labelled boxes, with ties, crowds and classes that nobody asked for."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats

Picture = tuple[Floats, Floats]


def scenes(seed: int, images: int = 40, classes: int = 5, crowds: float = 0.1) -> list[Picture]:
    """Return detections (n, 6) and boxes (m, 6) of each image, as `core.protocols.metrics.Block` has them."""
    rng = np.random.default_rng(seed)
    return [_scene(rng, classes, crowds) for _ in range(images)]


def _scene(rng: np.random.Generator, classes: int, crowds: float) -> Picture:
    corners = _corners(rng, int(rng.integers(0, 9)))
    count = len(corners)
    crowd, label = rng.random(count) < crowds, rng.integers(0, classes, count)
    boxes = np.column_stack([corners, crowd, label])
    again = np.repeat(np.arange(count), rng.integers(0, 4, count))
    near = corners[again] + rng.normal(0, 4, (len(again), 4))
    guessed = np.where(rng.random(len(again)) < 0.85, label[again], rng.integers(0, classes, len(again)))
    other = _corners(rng, int(rng.integers(0, 30)))
    others = rng.integers(0, classes + 1, len(other))
    score = np.round(rng.random(len(near) + len(other)), 2)
    found = np.column_stack([np.concatenate([near, other]), score, np.concatenate([guessed, others])])
    return found[(found[:, 2:4] > found[:, :2]).all(axis=1) & (score > 0)], boxes


def _corners(rng: np.random.Generator, count: int) -> Floats:
    low = rng.uniform(0, 200, (count, 2))
    return np.concatenate([low, low + rng.uniform(5, 80, (count, 2))], axis=1)
