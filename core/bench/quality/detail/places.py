"""Labels of many places, such as pixels or tokens: counts per class, confusion, and the worst samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.bench.quality.detail.answers import of_cells, of_columns
from core.bench.quality.detail.samples import furthest
from core.domain.accuracy_detail import AccuracyDetail, Answers
from core.protocols import Block

MOST_CLASSES = 1000
UNRELIABLE = (
    "Calibration is stated where a sample has one label; here it has many, which depend on each other."
)
NO_FLIPS = "There is no single answer to a sample, so that the samples that lost most stand in for flips."


def detail_of(blocks: Iterator[Block], output: str, samples: int, classes: int) -> AccuracyDetail:
    """Return what scores (samples, places, classes) and labels (samples, places) tell.

    Args:
        blocks: Parts of all samples.
        output: Name of the output.
        samples: How many.
        classes: Size of the class axis.
    """
    few = classes <= MOST_CLASSES
    cells = np.zeros((classes * classes if few else 0), np.int64)
    columns = list(np.zeros((7, classes if few else 0), np.int64))
    hits, base, counted = np.zeros((3, samples))
    for block in blocks:
        known = block.labels >= 0
        ours, theirs = block.ours.argmax(axis=2), block.theirs.argmax(axis=2)
        right, was = (ours == block.labels) & known, (theirs == block.labels) & known
        for sums, which in ((hits, right), (base, was), (counted, known)):
            sums[block.rows] += which.sum(axis=1)
        if few:
            cells += np.bincount(block.labels[known] * classes + ours[known], minlength=cells.size)
            told = (known, known, right, known, was, was & ~right, right & ~was)
            values = (block.labels, ours, block.labels, theirs, *[block.labels] * 3)
            for column, chosen, value in zip(columns, told, values, strict=True):
                column += np.bincount(value[chosen], minlength=classes)
    there = np.flatnonzero(cells)
    shares = [100 * each / np.maximum(counted, 1) for each in (hits, base)]
    return AccuracyDetail(
        Answers.PLACES,
        output,
        samples,
        classes,
        labelled=True,
        classes=of_columns(columns) if few else None,
        confusion=of_cells(there // classes, there % classes, cells[there], classes) if few else None,
        unreliable=UNRELIABLE,
        worst=furthest("Right labels (%)", *shares, higher=True),
        note=NO_FLIPS if few else f"{NO_FLIPS} {classes:,} classes are too many to show each.",
    )
