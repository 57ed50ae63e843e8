"""SQNR: the power of a signal by that of the quantization noise, in decibel."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log10

import numpy as np

from core.protocols import Array

LEAST = float(np.finfo(np.float64).tiny)


def decibel(signal: float, noise: float) -> float | None:
    """Return the ratio of two powers; None where there is no noise."""
    return None if noise == 0.0 else 10 * log10(max(signal, LEAST) / noise)


def signal_to_noise_db(expected: Sequence[Array], actual: Sequence[Array]) -> float:
    """Return it over all outputs that are floats of one shape, infinite without noise.

    Minus infinity where there is nothing to compare, or no signal.
    """
    pairs = [
        (np.asarray(a, np.float64), np.asarray(b, np.float64))
        for a, b in zip(expected, actual, strict=True)
        if a.dtype.kind == "f" and a.shape == b.shape
    ]
    signal = sum(float(np.sum(a**2)) for a, _ in pairs)
    if not signal:
        return -inf
    found = decibel(signal, sum(float(np.sum((a - b) ** 2)) for a, b in pairs))
    return inf if found is None else found
