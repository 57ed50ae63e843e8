"""One label for each sample: counts per class, confusion, calibration and the samples that flip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.bench.quality.accumulation import Counts, Floats
from core.bench.quality.detail.calibration import confidence, reliability
from core.domain.accuracy_detail import AccuracyDetail, Answers, ClassCounts, Confusion, Flips
from core.protocols import Array, Block

MOST_FLIPS = 2000
WHOLE_CLASSES = 32
MOST_CELLS = 300
"""Of the confusion matrix of more classes: the most frequent confusions."""


@dataclass
class Answered:
    """Answers to all samples, each (samples,).

    Attributes:
        labels: Class of each, -1 for what is to be ignored; all 0 without labels.
        ours: Class with the highest score.
        theirs: Of the baseline.
        ours_top: Confidence in it, 0 to 1; 0 where there is none.
        theirs_top: Of the baseline.
        unreliable: Why there is no confidence; empty where there is.
    """

    labels: Counts
    ours: Counts
    theirs: Counts
    ours_top: Floats
    theirs_top: Floats
    unreliable: str = ""


def answered(blocks: Iterator[Block], samples: int, single: bool) -> Answered:
    """Return the answers of both sides, read once.

    Args:
        blocks: Scores (samples, 1, classes) of whole samples, and labels (samples, 1).
        samples: How many there are.
        single: The scores stand for one score of two classes.
    """
    whole, real = (np.zeros((3, samples), np.int64), np.zeros((2, samples)))
    found = Answered(*whole, *real)
    read = None
    for block in blocks:
        ours, theirs = block.ours[:, 0], block.theirs[:, 0]
        read = read or confidence(theirs, single)
        found.labels[block.rows] = block.labels[:, 0]
        found.ours[block.rows], found.theirs[block.rows] = ours.argmax(axis=1), theirs.argmax(axis=1)
        if not isinstance(read, str):
            found.ours_top[block.rows], found.theirs_top[block.rows] = read.of(ours), read.of(theirs)
    found.unreliable = read if isinstance(read, str) else ""
    return found


def detail_of(found: Answered, output: str, classes: int, labelled: bool) -> AccuracyDetail:
    """Return everything that the answers tell; without labels, of agreement with the baseline."""
    known = found.labels >= 0
    truth = found.labels if labelled else found.theirs
    right = found.ours == truth
    sure = labelled and not found.unreliable
    unlabelled = "Calibration is judged against labels, and there are none."
    return AccuracyDetail(
        Answers.CLASSES,
        output,
        int(known.sum()),
        classes,
        labelled,
        class_counts(truth[known], found.ours[known], found.theirs[known], classes) if labelled else None,
        confusion_of(truth[known], found.ours[known], classes),
        reliability(found.ours_top[known], right[known]) if sure else None,
        found.unreliable or ("" if labelled else unlabelled),
        flips(found, labelled),
    )


def class_counts(labels: Counts, ours: Counts, theirs: Counts, classes: int) -> ClassCounts:
    """Return the counts of labels and answers (samples,) by class."""

    def counted(which: Counts) -> Counts:
        return np.bincount(which, minlength=classes)

    ours_right, theirs_right = ours == labels, theirs == labels
    columns = [
        counted(labels),
        counted(ours),
        counted(labels[ours_right]),
        counted(theirs),
        counted(labels[theirs_right]),
        counted(labels[theirs_right & ~ours_right]),
        counted(labels[ours_right & ~theirs_right]),
    ]
    return of_columns(columns)


def of_columns(columns: list[Counts]) -> ClassCounts:
    """Return counts by class (classes,), those of classes that occur nowhere left out."""
    there = np.flatnonzero(columns[0] + columns[1] + columns[3])
    return ClassCounts(_whole(there), *(_whole(each[there]) for each in columns))


def confusion_of(labels: Counts, ours: Counts, classes: int) -> Confusion:
    """Return the confusion matrix of few classes, or the most frequent confusions of many."""
    cells, counts = np.unique(labels * classes + ours, return_counts=True)
    return of_cells(cells // classes, cells % classes, counts, classes)


def of_cells(rows: Counts, columns: Counts, counts: Counts, classes: int) -> Confusion:
    """Return the confusion matrix of cells that are not empty."""
    whole = classes <= WHOLE_CLASSES
    if not whole:
        off = np.flatnonzero(rows != columns)
        off = off[np.argsort(-counts[off], kind="stable")][:MOST_CELLS]
        rows, columns, counts = rows[off], columns[off], counts[off]
    return Confusion(_whole(rows), _whole(columns), _whole(counts), whole)


def flips(found: Answered, labelled: bool) -> Flips:
    """Return the samples whose answer changed from right to wrong or back, or at all without labels."""
    if labelled:
        changed = (found.ours == found.labels) != (found.theirs == found.labels)
    else:
        changed = found.ours != found.theirs
    at = np.flatnonzero(changed & (found.labels >= 0))
    kept = np.sort(at[np.argsort(-found.theirs_top[at], kind="stable")][:MOST_FLIPS])
    told = not found.unreliable
    return Flips(
        len(at),
        _whole(kept),
        _whole(found.labels[kept]) if labelled else (),
        _whole(found.ours[kept]),
        _whole(found.theirs[kept]),
        _real(found.ours_top[kept]) if told else (),
        _real(found.theirs_top[kept]) if told else (),
    )


def _whole(values: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(each) for each in values)


def _real(values: Array) -> tuple[float, ...]:
    return tuple(round(float(each), 4) for each in values)
