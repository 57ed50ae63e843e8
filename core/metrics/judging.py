"""Paired confidence intervals of metrics: proportions in closed form, all others by bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.domain.measurement import Interval
from core.metrics.betting import sequential_mean
from core.metrics.bootstrap import Floats, Score, paired
from core.metrics.clusters import effective
from core.metrics.proportions import mcnemar, paired_difference, wilson
from core.protocols import Array, Judged, Metric, Paired

SAME = Interval(0.0, 0.0, 0.0)
Kept = Callable[[Array, Array], Floats]
"""From a block's outputs and labels to what is kept of each of its samples (rows, k); blocks are added up."""


def percent(interval: Interval) -> Interval:
    """Return a share in percent."""
    return Interval(100 * interval.value, 100 * interval.low, 100 * interval.high)


def proportion(right: Callable[[Array, Array], Array], given: Paired) -> Judged | str:
    """Judge the share of right answers: score intervals, with samples as clusters of their places.

    Args:
        right: From scores (samples, places, classes) and labels (samples, places) to whether each is right.
        given: Outputs and labels; labels below 0 are left out.

    Returns:
        Values in percent, or why there are none.
    """
    lost, won, hits, counted = np.zeros((4, given.samples))
    for block in given.blocks():
        known = block.labels >= 0
        ours, theirs = (right(each, block.labels) & known for each in (block.ours, block.theirs))
        hits[block.rows] += ours.sum(axis=1)
        lost[block.rows] += (theirs & ~ours).sum(axis=1)
        won[block.rows] += (ours & ~theirs).sum(axis=1)
        counted[block.rows] += known.sum(axis=1)
    rows = counted > 0
    if not rows.any():
        return "none of the labels is one that counts"
    lost, won, hits, counted = lost[rows], won[rows], hits[rows], counted[rows]
    places, total = given.about.places, float(counted.sum())
    worse, better, value = (float(each.sum()) / total for each in (lost, won, hits))
    held = effective(hits / counted, places, value * (1 - value))
    worth = effective((lost - won) / counted, places, worse + better - (worse - better) ** 2)
    drop = SAME if given.itself else percent(paired_difference(worse * worth, better * worth, worth))
    # A mean over samples is that over places where all have as many of them.
    sequential = given.sequential and bool((counted == counted[0]).all())
    if sequential:
        drop = percent(sequential_mean((lost - won) / counted, -1.0, 1.0))
    return Judged(
        value=percent(wilson(value * held, held)),
        drop=drop,
        sequential=sequential,
        flips=int(lost.sum() + won.sum()),
        mcnemar_p=mcnemar(round(worse * worth), round(better * worth)),
        effective=worth,
    )


def keep(given: Paired, width: int, kept: Kept) -> tuple[Floats, Floats]:
    """Return what is kept of each sample, of candidate and baseline, each (samples, width)."""
    ours, theirs = np.zeros((2, given.samples, width))
    for block in given.blocks():
        theirs[block.rows] += kept(block.theirs, block.labels)
        if not given.itself:
            ours[block.rows] += kept(block.ours, block.labels)
    return (theirs if given.itself else ours), theirs


def resampled(ours: Floats, theirs: Floats, score: Score[Floats], given: Paired, metric: Metric) -> Judged:
    """Judge by paired bootstrap; shares come out in percent.

    Where no sample of a share differs, resampling would be sure of it: the score interval of no flips stands
    in.
    """
    value, drop = paired(ours, theirs, score, metric.higher_is_better)
    return in_unit(value, drop, np.array_equal(ours, theirs), given, metric)


def in_unit(value: Interval, drop: Interval, alike: bool, given: Paired, metric: Metric) -> Judged:
    """Judge by a value and a drop of the bootstrap, which may be shares; `alike` where no sample differs."""
    if metric.unit == "%":
        value, drop = percent(value), percent(drop)
        if alike:
            drop = percent(paired_difference(0, 0, given.samples))
    return Judged(value=value, drop=SAME if given.itself else drop)
