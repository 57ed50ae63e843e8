"""Metric selection: by task, model and labels, or as asked for."""

from __future__ import annotations

from math import floor, log10, prod

from core.domain.model import DataSet, SourceModel
from core.domain.quality import Scale
from core.errors import InvalidRequest
from core.protocols import LabelledOutput, Metric
from core.registry import get_metric, metrics


def scale_of(metric: Metric) -> Scale:
    """Return how `metric` is read."""
    return Scale(metric.name, metric.unit, metric.higher_is_better)


def single_score(about: LabelledOutput, row: tuple[int, ...]) -> bool:
    """Whether an output with samples of shape `row` tells of two classes by one score."""
    return about.classes == 2 and about.places == prod(row) == 1


def class_axis(about: LabelledOutput, row: tuple[int, ...]) -> int | None:
    """Return the axis of a sample of shape `row` that holds the classes: the first, else the last."""
    if about.classes is None or prod(row) != about.classes * about.places:
        return None
    return next((axis for axis in (0, len(row) - 1) if row and row[axis] == about.classes), None)


def labelled_output(model: SourceModel, data: DataSet | None) -> LabelledOutput | None:
    """Return what the labels of `data` are for, None without labels."""
    if data is None or not data.labelled:
        return None
    if data.boxes:
        return LabelledOutput(model.task, data.label_shape, boxes=True)
    if data.numbers:
        return LabelledOutput(model.task, data.label_shape)
    classes = data.label_classes or model.classes
    return None if classes is None else LabelledOutput(model.task, data.label_shape, classes)


def fitting(model: SourceModel, data: DataSet | None) -> list[Metric]:
    """Return the metrics that fit, the one to take first: that of the task, else the first in order."""
    about = labelled_output(model, data)
    if about is None:
        return []
    found = [each for each in metrics().values() if each.boxes == about.boxes and each.fits(about)]
    return sorted(found, key=lambda metric: (about.task not in metric.tasks, metric.order))


def chosen(wanted: str, model: SourceModel, data: DataSet | None) -> Metric | None:
    """Return the metric `wanted`, or the one to take where that is empty; None without labels.

    Raises:
        InvalidRequest: There is no such metric, or it does not fit.
    """
    fit = fitting(model, data)
    if not wanted:
        return fit[0] if fit else None
    metric = get_metric(wanted)
    if metric in fit:
        return metric
    known = ", ".join(each.id for each in fit)
    raise InvalidRequest(
        f"The metric {wanted} does not fit {'these labels' if fit else 'data without labels'}.",
        hint=f"Those that fit: {known}." if fit else "Give data with labels, or leave the metric out.",
    )


def usual_drop(metric: Metric | None, data: DataSet | None) -> float:
    """Return the limit on the drop where nobody states one, in the metric's own unit; 1 without a metric."""
    if metric is None:
        return 1.0
    if not metric.relative:
        return metric.default_drop
    share = metric.default_drop * (data.label_spread if data is not None else 0.0)
    return round(share, -floor(log10(share))) if share > 0 else metric.default_drop
