"""scikit-learn's 8 by 8 digits in every shape that models take; sample models learn from the same values."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXEL_MAX = 16
"""Pixels are whole numbers from 0 to 16."""
SIDE = 8


def as_images(pixels: NDArray[Any], height: int = 32, width: int = 32) -> NDArray[np.float32]:
    """Return (n, side * side) pixels as (n, 1, height, width) float32 in [0, 1], pixels grown to blocks."""
    side = isqrt(pixels.shape[1])
    small = (pixels / PIXEL_MAX).astype(np.float32).reshape(-1, 1, side, side)
    rows, columns = (np.arange(size) * side // size for size in (height, width))
    return np.ascontiguousarray(small[:, :, rows][:, :, :, columns])


def as_tokens(pixels: NDArray[Any]) -> NDArray[np.int64]:
    """Return (n, tokens) pixels as whole numbers, row by row."""
    tokens: NDArray[np.int64] = np.rint(pixels).astype(np.int64)
    return tokens
