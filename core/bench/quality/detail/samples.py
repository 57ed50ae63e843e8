"""Worst samples: those on which a candidate is furthest behind the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from core.bench.quality.accumulation import TILE, Floats
from core.bench.quality.saved_outputs import Output
from core.domain.accuracy_detail import AccuracyDetail, Answers, Worst

MOST = 48
OTHER = (
    "There are no labels and no classes, so that nothing is right or wrong: these are the samples whose "
    "outputs differ most from the baseline's."
)


def furthest(measure: str, ours: Floats, theirs: Floats, *, higher: bool) -> Worst:
    """Return the samples (samples,) that lost most; `higher` where more is better."""
    lost = np.nan_to_num((theirs - ours) if higher else (ours - theirs))
    at = np.argsort(-lost, kind="stable")[:MOST]
    at = at[lost[at] > 0]
    return Worst(measure, tuple(int(each) for each in at), _real(ours[at]), _real(theirs[at]))


def differences(ours: Output, theirs: Output, output: str) -> AccuracyDetail:
    """Return the samples whose outputs (samples, ...) differ most from the baseline's."""
    samples = min(ours.shape[0], theirs.shape[0])
    found = np.zeros(samples)
    for rows in _rows(samples, theirs.shape[1:]):
        off = ours[rows].astype(np.float64) - theirs[rows]
        found[rows] = np.sqrt((np.nan_to_num(off).reshape(len(off), -1) ** 2).mean(axis=1))
    at = np.argsort(-found, kind="stable")[:MOST]
    at = at[found[at] > 0]
    measure = "RMS difference"
    worst = Worst(measure, tuple(int(each) for each in at), _real(found[at]), ())
    return AccuracyDetail(Answers.OTHER, output, samples, worst=worst, note=OTHER)


def _rows(samples: int, row: tuple[int, ...]) -> Iterator[slice]:
    step = max(1, TILE // max(prod(row), 1))
    return (slice(start, min(start + step, samples)) for start in range(0, samples, step))


def _real(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{each:.5g}") for each in values)
