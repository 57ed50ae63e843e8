"""Rows as points on any two measures, for charts on a page and in a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.domain.measurement import Interval
from core.views import Quality, Row, RunView
from pages.figures import Axis, Point, Role, roles, wide
from pages.widgets.facts import hover_facts
from pages.widgets.measures import Measure, quality_of


def _apart(row: Row, quality: Quality) -> Interval | None:
    """Return the accuracy with the interval of its paired difference from the baseline's."""
    if quality != "accuracy" or row.accuracy is None:
        return None
    if row.drop is None:
        return Interval(row.accuracy, row.accuracy, row.accuracy)
    if row.change is None:
        return None
    base = row.accuracy - row.change.value
    return Interval(row.accuracy, base + row.change.low, base + row.change.high)


def points_of(
    rows: Sequence[Row],
    x: Measure,
    y: Measure,
    quality: Quality,
    group: Callable[[Row], str] | None = None,
    *,
    hover: bool = True,
) -> list[Point]:
    """Return the rows that have a figure on both axes.

    Args:
        rows: Of a run.
        x: Across.
        y: Upwards.
        quality: By what `y` judges where it is the quality; ties are told by the paired difference then.
        group: What a row is coloured by.
        hover: Whether they are to be hovered: those of a thousand rows take their time.
    """
    points = []
    for row in rows:
        across, up = x.of(row), y.of(row)
        if across is not None and up is not None:
            base, paired = row.candidate.position == 0, up == quality_of(row, "accuracy")
            apart = _apart(row, quality) if paired else None
            told = "" if group is None else group(row)
            about = (row.size_bytes or 0, hover_facts(row) if hover else {}, base, apart, told)
            points.append(Point(row.id, row.name, across, up, *about))
    return points


def placed(view: RunView, known: Mapping[str, Measure]) -> dict[str, Role]:
    """Return each measured candidate's role in latency and quality, by which tables and panels tell it."""
    if "quality" not in known:
        return {}
    x, y = known["latency"], known["quality"]
    points = points_of(view.candidates, x, y, view.quality, hover=False)
    return roles(points, axis_of(x), axis_of(y))


def axis_of(measure: Measure, log: bool = False, whole: bool = False) -> Axis:
    """Return the axis of a measure."""
    about = (measure.limit, measure.limit_label, measure.bounds, measure.share)
    return Axis(measure.title, measure.higher, *about, log, whole)


def is_log(measure: Measure, values: Sequence[float], scale: str) -> bool:
    """Return whether an axis is logarithmic: ``log`` and ``linear`` say so, ``auto`` looks at the values."""
    if measure.share or min(values) <= 0:
        return False
    return scale == "log" or (scale == "auto" and wide(values))
