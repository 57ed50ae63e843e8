"""Harder digits made of scikit-learn's: rotated, scaled, moved, among fragments of others, in noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.datasets.builtin.digits import PIXEL_MAX, SIDE

FRAGMENT_SHARE = 0.4
"""Side of a fragment as a share of its digit's."""

CHUNK = 250
"""Scenes drawn at once, so that they stay in the cache."""
Pixels = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Difficulty:
    """What happens to a digit.

    Attributes:
        side: Height and width of the canvas.
        rotation: Largest angle, in degrees.
        scale: Smallest and largest side of a digit as a share of the canvas.
        fragments: How many pieces of other digits lie about.
        noise: Standard deviation of the noise, as a share of the brightest pixel.
    """

    side: int
    rotation: float
    scale: tuple[float, float]
    fragments: int
    noise: float


IMAGE = Difficulty(side=32, rotation=35.0, scale=(0.4, 0.7), fragments=5, noise=0.2)
TOKENS = Difficulty(side=SIDE, rotation=15.0, scale=(0.85, 1.0), fragments=0, noise=0.1)
"""For models that read the pixels one by one: eight by eight have no room for clutter."""


def cluttered(pixels: Pixels, chosen: NDArray[np.int64], how: Difficulty, seed: int) -> Pixels:
    """Return one scene for each of the `chosen` digits, after the cluttered MNIST of Mnih et al. 2014.

    Args:
        pixels: Digits to choose from (n, 64), 0 to 16; fragments are theirs, too.
        chosen: Row numbers in `pixels` (m,); a row may come several times and looks different each time.
        how: What happens to them.
        seed: The same one gives the same scenes.

    Returns:
        Scenes (m, side * side), 0 to 16.
    """
    draw = np.random.default_rng(seed)
    digits = pixels.reshape(-1, SIDE, SIDE).astype(np.float32)
    parts = [_scenes(digits, chosen[at : at + CHUNK], how, draw) for at in range(0, len(chosen), CHUNK)]
    return np.concatenate(parts).reshape(len(chosen), how.side**2)


def _scenes(digits: Pixels, chosen: NDArray[np.int64], how: Difficulty, draw: np.random.Generator) -> Pixels:
    count = len(chosen)
    scale = draw.uniform(*how.scale, count)
    scene = _placed(digits[chosen], scale, (1 - scale) / 2, how, draw)
    for _ in range(how.fragments):
        others = digits[draw.integers(len(digits), size=count)] * _window(count, draw)
        scene = np.maximum(scene, _placed(others, scale, np.full(count, 0.45), how, draw))
    noisy = scene + how.noise * PIXEL_MAX * draw.standard_normal(scene.shape, np.float32)
    found: Pixels = np.clip(noisy, 0, PIXEL_MAX, dtype=np.float32)
    return found


def _window(count: int, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Return masks (count, 8, 8) that leave a small square of a digit."""
    size = round(FRAGMENT_SHARE * SIDE)
    top, left = draw.integers(1, SIDE - size, size=(2, count, 1, 1))
    rows, columns = np.arange(SIDE)[None, :, None], np.arange(SIDE)[None, None, :]
    inside: NDArray[np.bool_] = (
        (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
    )
    return inside


def _placed(
    images: Pixels, scale: Pixels, reach: Pixels, how: Difficulty, draw: np.random.Generator
) -> Pixels:
    """Return images (m, 8, 8) on canvases (m, side, side), rotated and moved up to `reach` of the side."""
    count, most = len(images), np.deg2rad(how.rotation)
    angle = draw.uniform(-most, most, count).astype(np.float32)[:, None, None]
    centre = (0.5 + draw.uniform(-1, 1, (2, count)) * reach).astype(np.float32)[:, :, None, None]
    grid = ((np.arange(how.side) + 0.5) / how.side).astype(np.float32)
    down, across = grid[None, :, None] - centre[0], grid[None, None, :] - centre[1]
    size = scale.astype(np.float32)[:, None, None]
    row = (np.cos(angle) * down - np.sin(angle) * across) / size * SIDE + SIDE / 2 - 0.5
    column = (np.sin(angle) * down + np.cos(angle) * across) / size * SIDE + SIDE / 2 - 0.5
    return _bilinear(images, row, column)


def _bilinear(images: Pixels, row: Pixels, column: Pixels) -> Pixels:
    """Return the images' values at fractional places, 0 outside."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    row, column = (np.clip(each + 1, 0, np.float32(SIDE + 0.999)) for each in (row, column))
    top, left = row.astype(np.int64), column.astype(np.int64)
    below, right = row - top, column - left
    which = np.arange(len(images))[:, None, None]
    upper = framed[which, top, left] * (1 - right) + framed[which, top, left + 1] * right
    lower = framed[which, top + 1, left] * (1 - right) + framed[which, top + 1, left + 1] * right
    found: Pixels = upper * (1 - below) + lower * below
    return found
