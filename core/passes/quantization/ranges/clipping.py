"""How much of a tensor's range to keep: what is cut off against how finely the rest is told apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.passes.quantization.ranges.histogram import Histogram
from core.protocols import Array

Range = tuple[float, float]

LEVELS = 256
KEPT = 0.99999
"""Share of the values that the percentile method keeps."""
TRIED = 96
"""Ends of a range that are tried."""
SMOOTH = 1e-4
"""Probability that a level without values counts as, so that no divergence is infinite."""


def whole(histogram: Histogram) -> Range:
    """Return the least and the largest value."""
    return (histogram.low, histogram.high) if histogram.low <= histogram.high else (0.0, 0.0)


def percentile(histogram: Histogram) -> Range:
    """Return the range without as many of the outermost values on both sides."""
    counts, edges = histogram.counts, histogram.edges
    if not counts.sum():
        return whole(histogram)
    share = np.cumsum(counts) / counts.sum()
    cut = (1 - KEPT) / 2
    low = edges[np.searchsorted(share, cut, side="right")]
    high = edges[np.searchsorted(share, 1 - cut) + 1]
    return max(float(low), histogram.low), min(float(high), histogram.high)


def least_squares(histogram: Histogram) -> Range:
    """Return the range with the least mean squared error, its two ends chosen apart.

    Values inside err evenly within a step, those outside by their distance to the end.
    """
    counts, edges = histogram.counts.astype(float), histogram.edges
    if not counts.sum():
        return whole(histogram)
    middles = (edges[:-1] + edges[1:]) / 2
    lows, highs = _ends(min(histogram.low, 0.0)), _ends(max(histogram.high, 0.0))
    below = [float((counts * np.minimum(middles - low, 0.0) ** 2).sum()) for low in lows]
    above = [float((counts * np.maximum(middles - high, 0.0) ** 2).sum()) for high in highs]
    steps = (highs[None, :] - lows[:, None]) / (LEVELS - 1)
    errors = np.array(below)[:, None] + np.array(above)[None, :] + counts.sum() * steps**2 / 12
    low, high = np.unravel_index(int(errors.argmin()), errors.shape)
    return float(lows[low]), float(highs[high])


def _ends(outermost: float) -> Array:
    found: Array = outermost * np.linspace(1.0, 0.01, TRIED) if outermost else np.zeros(1)
    return found


def least_divergence(histogram: Histogram) -> Range:
    """Return the range that loses least information by being clipped and quantized.

    By the Kullback-Leibler divergence of TensorRT's entropy calibration (Migacz, *8-bit inference with
    TensorRT*, GTC 2017), with one largest magnitude for both ends.
    """
    counts = histogram.counts.astype(float)
    if not counts.sum() or len(counts) <= LEVELS:
        return whole(histogram)
    zero, bins = int(np.searchsorted(histogram.edges, 0.0)), len(counts)
    best, found = np.inf, whole(histogram)
    for reach in np.linspace(max(zero, bins - zero), 1, TRIED).astype(int):
        start, end = max(0, zero - reach), min(bins, zero + reach)
        if end - start < LEVELS:
            break
        divergence = _divergence(counts, start, end)
        if divergence < best:
            best = divergence
            ends = float(histogram.edges[start]), float(histogram.edges[end])
            found = max(ends[0], histogram.low), min(ends[1], histogram.high)
    return found


def _divergence(counts: Array, start: int, end: int) -> float:
    """Return the divergence where bins outside of `start` to `end` are clipped to the outermost of them."""
    inside = counts[start:end]
    clipped = inside.copy()
    clipped[0] += counts[:start].sum()
    clipped[-1] += counts[end:].sum()
    level = np.arange(len(inside)) * LEVELS // len(inside)
    there = inside > 0
    held = np.bincount(level[there], minlength=LEVELS)
    spread = np.bincount(level, inside, LEVELS) / np.maximum(held, 1)
    quantized = np.where(there, spread[level], 0.0)
    p, q = clipped / clipped.sum(), quantized / max(quantized.sum(), 1.0)
    some = p > 0
    return float((p[some] * np.log(p[some] / np.maximum(q[some], SMOOTH / len(inside)))).sum())


METHODS: dict[str, Callable[[Histogram], Range]] = {
    "percentile": percentile,
    "entropy": least_divergence,
    "mse": least_squares,
}
"""Ways to choose a range by their names in settings, all from the same histogram."""
