"""Accuracy in detail of one candidate: by what its output answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from core.bench.quality.accumulation import layout
from core.bench.quality.detail import answers, boxes, numbers, places, samples
from core.bench.quality.detail.postprocessing import postprocessing
from core.bench.quality.judged_output import Labels, fitting, paired_blocks
from core.bench.quality.saved_outputs import Output
from core.domain.accuracy_detail import AccuracyDetail, Answers
from core.metrics.choice import single_score
from core.metrics.detection.outputs import detection_outputs
from core.protocols import Array, LabelledOutput

NO_LISTS = (
    "Lists of detections have no rows to compare without labelled boxes: see how many of them both have."
)
CHANGING = "The sizes of the outputs change from sample to sample, so that they are not compared one by one."


def accuracy_detail(
    candidate: Sequence[Output],
    baseline: Sequence[Output],
    labels: Labels | None,
    classes: int | None,
    names: Sequence[str],
    detects: bool = False,
    canvas: tuple[int, int] | None = None,
    worst: str = "",
) -> AccuracyDetail:
    """Return everything that can be told of the outputs that `core.bench.quality.evaluation.compare` judges.

    Args:
        candidate: One array (samples, ...) per output.
        baseline: The same of the baseline.
        labels: What belongs to the first output that they fit, or None.
        classes: Size of the class axis of the outputs that have one, or None.
        names: Of the outputs.
        detects: Outputs may be lists of detections.
        canvas: Height and width of the input picture, for those.
        worst: Name of the output that lost most: the one to look at where nothing is right or wrong.
    """
    told = _told(candidate, baseline, labels, classes, names, detects, canvas, worst)
    took = postprocessing(told.answers, _one(candidate, told, names))
    return told if took is None else replace(told, postprocess_ms=took[0], postprocess=took[1])


def _one(outputs: Sequence[Output], told: AccuracyDetail, names: Sequence[str]) -> Array | None:
    """Return the judged output of the first sample (1, ...)."""
    at = list(names).index(told.output) if told.output in names else 0
    return np.asarray(outputs[at][:1]) if outputs and len(outputs[at].shape) > 1 else None


def _told(
    candidate: Sequence[Output],
    baseline: Sequence[Output],
    labels: Labels | None,
    classes: int | None,
    names: Sequence[str],
    detects: bool,
    canvas: tuple[int, int] | None,
    worst: str,
) -> AccuracyDetail:
    named = names if len(names) == len(baseline) else [f"output {at}" for at in range(len(baseline))]
    found = detection_outputs(named, baseline, canvas) if detects else None
    if found is not None:
        if labels is not None and labels.about.boxes:
            return boxes.detail_of(found, candidate, baseline, labels.values)
        count = min(baseline[0].shape[0], candidate[0].shape[0])
        return AccuracyDetail(Answers.DETECTIONS, found.name, count, note=NO_LISTS)
    for name, ours, theirs in zip(named, candidate, baseline, strict=True):
        if ours.shape[1:] == theirs.shape[1:] and labels is not None and fitting(theirs, labels):
            return _labelled(name, ours, theirs, labels)
    return _unlabelled(named, candidate, baseline, classes, worst)


def _labelled(name: str, ours: Output, theirs: Output, labels: Labels) -> AccuracyDetail:
    count, about = min(ours.shape[0], theirs.shape[0]), labels.about
    read = partial(paired_blocks, ours, theirs, labels.values, about, count)
    if about.classes is None:
        return numbers.detail_of(read, name, count, about.places)
    if about.places > 1:
        return places.detail_of(read(), name, count, about.classes)
    found = answers.answered(read(), count, single_score(about, theirs.shape[1:]))
    return answers.detail_of(found, name, about.classes, labelled=True)


def _unlabelled(
    names: Sequence[str],
    candidate: Sequence[Output],
    baseline: Sequence[Output],
    classes: int | None,
    worst: str,
) -> AccuracyDetail:
    """Return how answers differ from the baseline's, of the first output that has classes, else values."""
    sides = [
        (name, ours, theirs)
        for name, ours, theirs in zip(names, candidate, baseline, strict=True)
        if ours.shape[1:] == theirs.shape[1:]
    ]
    for name, ours, theirs in sides:
        count = min(ours.shape[0], theirs.shape[0])
        seen = layout(theirs, count, classes)
        if seen.classes and seen.places == 1 and classes is not None:
            about = LabelledOutput("", (), classes)
            nothing = np.zeros(count, np.int64)
            found = answers.answered(paired_blocks(ours, theirs, nothing, about, count), count, single=False)
            return answers.detail_of(found, name, classes, labelled=False)
    if not sides:
        count = min(baseline[0].shape[0], candidate[0].shape[0])
        return AccuracyDetail(Answers.OTHER, "", count, note=CHANGING)
    name, ours, theirs = max(sides, key=lambda side: (side[0] == worst, side[2].dtype.kind == "f"))
    return samples.differences(ours, theirs, name)
