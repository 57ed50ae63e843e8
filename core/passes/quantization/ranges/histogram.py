"""Streaming histogram of a tensor: its memory does not grow with the data."""

from __future__ import annotations

from math import ceil, floor, log2

import numpy as np

from core.protocols import Array

BINS = 2048
"""At most; never fewer than half of it once two different magnitudes were seen."""
LEAST = 2.0**-60
"""Width of a bin, so that a tensor of zeros has one."""


class Histogram:
    """Counts of values in bins of one width, a power of two, that double when the range grows.

    Zero is always an edge between bins. Values that are exactly 0, as most are after a ReLU, are not counted:
    every quantization has a level for them.

    Attributes:
        low: Least value seen, zeros among them.
        high: Largest value seen.
        counts: Values in each bin (bins,).
    """

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")
        self.counts: Array = np.zeros(0, np.int64)
        self._width, self._first = LEAST, 0

    @classmethod
    def of(cls, array: Array) -> Histogram:
        """Return the histogram that `array` made an array of."""
        made = cls()
        made.low, made.high, made._width, made._first = (*map(float, array[:3]), int(array[3]))
        made.counts = array[4:].astype(np.int64)
        return made

    def array(self) -> Array:
        """Return all that is known in one array (4 + bins,)."""
        return np.array([self.low, self.high, self._width, self._first, *self.counts], np.float64)

    @property
    def edges(self) -> Array:
        """Edges of the bins (bins + 1,)."""
        found: Array = (self._first + np.arange(len(self.counts) + 1)) * self._width
        return found

    def add(self, values: Array) -> None:
        """Count `values` of any shape; those that are no finite numbers are left out."""
        flat = values.ravel()
        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        if not np.isfinite(low + high):
            flat = flat[np.isfinite(flat)]
            if not flat.size:
                return
            low, high = float(flat.min()), float(flat.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        if flat[flat != 0].size:
            self._cover()
            self.counts += self._counted(flat)

    def _counted(self, flat: Array) -> Array:
        bins = np.floor(flat * (1 / self._width)).astype(np.int64) - self._first
        found: Array = np.bincount(bins[flat != 0], minlength=len(self.counts))
        return found

    def _cover(self) -> None:
        """Make the bins reach from the least to the largest value."""
        span = max(self.high, 0.0) - min(self.low, 0.0)
        width = max(self._width, 2.0 ** ceil(log2(max(span / (BINS - 2), LEAST))))
        first, last = floor(self.low / width), floor(self.high / width)
        counts = np.zeros(last - first + 1, np.int64)
        if len(self.counts):
            factor = round(width / self._width)
            places = (self._first + np.arange(len(self.counts))) // factor - first
            np.add.at(counts, places, self.counts)
        self._width, self._first, self.counts = width, first, counts
