"""Image-to-image outputs, shared by PSNR and SSIM."""

from __future__ import annotations

import numpy as np

from core.metrics.bootstrap import Floats
from core.protocols import Array, LabelledOutput

WINDOW = 11
CHANNELS = (1, 3, 4)


def is_picture(about: LabelledOutput) -> bool:
    """Whether a sample is an image (height, width), with one to four channels in front or behind."""
    sides = _sides(about.row)
    return about.classes is None and len(sides) == 2 and min(sides) >= WINDOW


def value_range(labels: Array) -> float:
    """Return from black to white: 255, 2 for -1 to 1, else 1."""
    return 255.0 if labels.max() > 2 else 2.0 if labels.min() < 0 else 1.0


def channels(pictures: Array) -> Floats:
    """Return images (samples, ...) as (samples, channels, height, width)."""
    row = pictures.shape[1:]
    values = pictures.astype(np.float64)
    if len(row) == 2:
        return values[:, None]
    return values if row[0] in CHANNELS else np.moveaxis(values, -1, 1)


def mean(kept: Floats, weights: Floats) -> Floats:
    """Return the mean over samples of what was kept (samples, 1), for each row of weights."""
    return np.asarray((weights @ kept)[:, 0] / weights.sum(axis=1))


def _sides(row: tuple[int, ...]) -> tuple[int, ...]:
    if len(row) != 3:
        return row
    return row[1:] if row[0] in CHANNELS else row[:2] if row[2] in CHANNELS else ()
