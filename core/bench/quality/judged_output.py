"""A metric on one output, read in blocks beside its labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from core.bench.quality.accumulation import TILE, blocks
from core.bench.quality.saved_outputs import Output, piece
from core.domain.quality import Accuracy
from core.metrics.choice import class_axis, scale_of, single_score
from core.protocols import Array, Block, LabelledOutput, Paired
from core.registry import get_metric

IGNORED = 255
"""Of masks with fewer classes, as Pascal VOC and Cityscapes mark what is to be ignored."""
ALL = slice(None)


@dataclass(frozen=True)
class Labels:
    """Labels of all samples, and what they are for.

    Attributes:
        values: Class indices or numbers to predict (samples, ...).
        about: What is known of them.
        metric: Id of the metric.
    """

    values: Array
    about: LabelledOutput
    metric: str


def fitting(output: Output, labels: Labels) -> bool:
    """Whether `output` is what `labels` are for: as many numbers, or a score for each class."""
    about, row = labels.about, output.shape[1:]
    if len(labels.values) < output.shape[0] or output.dtype.kind != "f":
        return False
    if about.classes is None or single_score(about, row):
        return prod(row) == about.places
    return class_axis(about, row) is not None


def accuracy(
    name: str, ours: Output, theirs: Output, labels: Labels, itself: bool, sequential: bool = False
) -> Accuracy | str:
    """Return what the metric says of the output `name`, or why it has no value."""
    samples = min(ours.shape[0], theirs.shape[0])
    read = partial(paired_blocks, ours, theirs, labels.values, labels.about, samples)
    return judged_by(labels.metric, name, Paired(labels.about, samples, read, itself, sequential))


def judged_by(metric_id: str, name: str, given: Paired) -> Accuracy | str:
    """Return what a metric says of samples, the output called `name`, or why it has no value."""
    metric = get_metric(metric_id)
    judged = metric.judge(given)
    if isinstance(judged, str):
        return f"There is no {metric.name}: {judged}."
    return Accuracy(
        metric=metric.id,
        value=judged.value.value,
        drop=judged.drop,
        samples=given.samples,
        flips=judged.flips,
        mcnemar_p=judged.mcnemar_p,
        interval=judged.value,
        places=1 if given.about.boxes else given.about.places,
        effective=judged.effective,
        scale=scale_of(metric),
        output=name,
        sequential=judged.sequential,
    )


def paired_blocks(
    ours: Output, theirs: Output, labels: Array, about: LabelledOutput, samples: int
) -> Iterator[Block]:
    """Yield the first `samples` of two outputs (samples, ...) beside their labels, as metrics read them."""
    row = theirs.shape[1:]
    if about.classes is None:
        return _numbers(ours, theirs, labels, samples)
    if single_score(about, row):
        return _single_scores(ours, theirs, labels, samples)
    axis = class_axis(about, row) or 0
    shape = (samples, prod(row[:axis]), about.classes, prod(row[axis + 1 :]))
    return _scores(ours, theirs, labels, shape)


def _numbers(ours: Output, theirs: Output, labels: Array, samples: int) -> Iterator[Block]:
    """Yield whole samples in the shape of the labels."""
    row = labels.shape[1:]
    step = max(1, TILE // max(prod(row), 1))
    flat = [each.reshape(each.shape[0], 1, 1, prod(row)) for each in (ours, theirs)]
    for start in range(0, samples, step):
        rows = slice(start, min(start + step, samples))
        found = [piece(each, (rows, ALL, ALL, ALL)).reshape(-1, *row) for each in flat]
        yield Block(rows, found[0], found[1], labels[rows])


def _single_scores(ours: Output, theirs: Output, labels: Array, samples: int) -> Iterator[Block]:
    """Yield one score as two: a probability beside its rest, a logit beside its negative."""
    rows = slice(0, samples)
    flat = [each.reshape(each.shape[0], 1, 1, 1) for each in (ours, theirs)]
    found = [piece(each, (rows, ALL, ALL, ALL)).reshape(samples) for each in flat]
    probable = bool(found[1].min() >= 0 and found[1].max() <= 1)
    both = [np.stack([1 - each if probable else -each, each], axis=1)[:, None] for each in found]
    yield Block(rows, both[0], both[1], labels[rows].reshape(samples, 1))


def _scores(ours: Output, theirs: Output, labels: Array, shape: tuple[int, int, int, int]) -> Iterator[Block]:
    samples, before, classes, after = shape
    flat = [each.reshape(each.shape[0], *shape[1:]) for each in (ours, theirs)]
    truth = labels[:samples].reshape(samples, before, after)
    for part in (part for parts in blocks(shape) for part in parts):
        found = [np.moveaxis(piece(each, part), 2, 3) for each in flat]
        scores = [each.reshape(len(each), -1, classes) for each in found]
        yield Block(part[0], scores[0], scores[1], _known(truth[part[0], part[1], part[3]], classes))


def _known(labels: Array, classes: int) -> Array:
    """Return labels (samples, places) with -1 for what is to be ignored."""
    flat = labels.reshape(len(labels), -1).astype(np.int64)
    return np.where((flat < 0) | ((flat == IGNORED) & (classes <= IGNORED)), -1, flat)
