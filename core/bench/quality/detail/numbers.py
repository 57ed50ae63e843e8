"""Numbers to predict: distribution of the errors, R², and the worst samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite, sqrt

import numpy as np

from core.bench.quality.accumulation import Floats
from core.bench.quality.detail.samples import furthest
from core.domain.accuracy_detail import AccuracyDetail, Answers, Errors
from core.protocols import Block

BINS = 41
MOST_NUMBERS = 64
NO_FLIPS = (
    "Numbers are neither right nor wrong, so that nothing flips: the samples that lost most stand here."
)
REACH = 4.0
"""Half-width of the histogram in root mean squared errors, where single errors reach further."""


def detail_of(read: Callable[[], Iterator[Block]], output: str, samples: int, places: int) -> AccuracyDetail:
    """Return what numbers and labels (samples, ...) tell.

    Args:
        read: Yields whole samples anew.
        output: Name of the output.
        samples: How many.
        places: Numbers of a sample.
    """
    squares, largest = np.zeros((2, samples)), 0.0
    for block in read():
        for side, values in enumerate((block.ours, block.theirs)):
            off = _off(values, block)
            squares[side, block.rows] = (off**2).mean(axis=1)
            largest = max(largest, float(np.abs(off).max(initial=0.0)))
    rmse = [sqrt(float(side.mean())) for side in squares]
    reach = min(largest, REACH * max(rmse)) or 1.0
    edges = np.linspace(-reach, reach, BINS + 1)
    counts = np.zeros((2, BINS), np.int64)
    for block in read():
        for side, values in enumerate((block.ours, block.theirs)):
            inside = np.clip(_off(values, block), -reach, reach)
            counts[side] += np.histogram(inside, edges)[0]
    r2, base_r2 = _explained(read, places) if places <= MOST_NUMBERS else (None, None)
    mine, base = (tuple(int(each) for each in side) for side in counts)
    bounds = tuple(float(f"{each:.6g}") for each in edges)
    errors = Errors(bounds, mine, base, r2, base_r2, *rmse)
    worst = furthest("RMS error", *np.sqrt(squares), higher=False)
    return AccuracyDetail(
        Answers.NUMBERS, output, samples, labelled=True, errors=errors, worst=worst, note=NO_FLIPS
    )


def _off(values: Floats, block: Block) -> Floats:
    return (values.astype(np.float64) - block.labels).reshape(len(values), -1)


def _explained(read: Callable[[], Iterator[Block]], places: int) -> tuple[float | None, float | None]:
    """Return R² of both, the plain mean over the numbers of a sample, as in scikit-learn."""
    labels = np.concatenate([block.labels.reshape(-1, places) for block in read()]).astype(np.float64)
    spread = ((labels - labels.mean(axis=0)) ** 2).sum(axis=0)
    if len(labels) < 2 or not (spread > 0).all():
        return None, None
    found = []
    for ours in (True, False):
        off = np.concatenate([_off(block.ours if ours else block.theirs, block) for block in read()])
        value = float((1 - (off**2).sum(axis=0) / spread).mean())
        found.append(value if isfinite(value) else None)
    return found[0], found[1]
