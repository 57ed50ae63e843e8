"""Stratified split into calibration, search and test rows: no row is in two of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.datasets.stratified import Indices, ranked
from core.protocols import Array

CALIBRATION_SHARE = 4
CALIBRATION_MOST = 256
CALIBRATION_LEAST = 8
SEARCH_SHARE = 3
SEARCH_MOST = 2000
SEARCH_LEAST = 8


class Part(StrEnum):
    """A part of a data set; the value is its folder.

    Nothing but figures that are reported reads `TEST`: working processes that build or search find the other
    parts only in their folder.
    """

    CALIBRATION = "calibration"
    SEARCH = "search"
    TEST = "evaluation"
    TRAINING = "training"

    @property
    def labels(self) -> str:
        """Name of the file of its labels."""
        return f"{self.value}/labels.npy"

    @property
    def boxes(self) -> str:
        """Name of the file of its labels where these are boxes: what builds finds no classes in them."""
        return f"{self.value}/boxes.npy"


FOR_BUILDING = (Part.CALIBRATION, Part.SEARCH, Part.TRAINING)
"""What techniques and strategies may look at."""
FOR_EVALUATION = (Part.TEST, Part.SEARCH)
"""What is run through every candidate, in this order: where time or room ends early, the test is whole."""


@dataclass(frozen=True)
class Split:
    """Row numbers of each part, disjoint, each in proportion of the labels.

    Attributes:
        calibration: For ranges: a quarter, at least 8 and at most 256 rows, never more than half.
        search: For strategies and early stopping: a third of the rest, at most 2,000; none where that would
            be fewer than 8.
        test: For what is reported.
    """

    calibration: Indices
    search: Indices
    test: Indices


def split(labels: Array | None, samples: int, seed: int) -> Split:
    """Return the parts of `samples` rows; every prefix of a part is in proportion of the labels, too.

    Args:
        labels: Class indices or numbers to predict (samples,), whose tenths are kept in proportion; other
            labels, or None, leave it to chance.
        samples: Number of rows.
        seed: The same one gives the same parts.
    """
    mixed = _mixed(labels, samples, seed)
    count = min(CALIBRATION_MOST, max(CALIBRATION_LEAST, samples // CALIBRATION_SHARE), samples // 2)
    end = count + _search_share(samples - count)
    return Split(mixed[:count], mixed[count:end], mixed[end:])


def split_around(calibration: Indices, seen: Indices, labels: Array | None, samples: int, seed: int) -> Split:
    """Return the parts where the rows for calibration are given, and those that nothing is evaluated on."""
    rest = np.delete(np.arange(samples, dtype=np.int64), seen)
    mixed = _mixed(None if labels is None else labels[rest], len(rest), seed)
    count = _search_share(len(rest))
    return Split(calibration, rest[np.sort(mixed[:count])], rest[np.sort(mixed[count:])])


def _search_share(rest: int) -> int:
    found = min(SEARCH_MOST, rest // SEARCH_SHARE)
    return found if found >= SEARCH_LEAST else 0


def _mixed(labels: Array | None, samples: int, seed: int) -> Indices:
    order, rank, size = ranked(labels, samples, seed)
    return order[np.argsort((rank + 0.5) / size, kind="stable")]
