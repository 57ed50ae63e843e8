"""Accuracy of a candidate in detail: figures per class, averages over classes, and samples that flip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from core.domain.accuracy_detail import AccuracyDetail, Answers, ClassCounts, Flips
from core.domain.measurement import Interval
from core.engine import accuracy_detail_of
from core.metrics.proportions import paired_difference
from core.store.store import Store
from core.views.cache import cached
from core.views.run import RunView

FEWEST = 10
"""Samples of a class, for an interval of its change."""


@dataclass(frozen=True)
class ClassRow:
    """Figures of one class, in percent.

    Attributes:
        index: Of the class.
        name: Of it, or its number.
        support: Samples, places or boxes of it.
        precision: None where it was never answered.
        recall: None where there are no samples.
        f1: Harmonic mean of both.
        base_f1: Of the baseline.
        base_recall: Of the baseline.
        change: Of the recall, in points, with its paired interval; None where samples are too few or not
            independent.
    """

    index: int
    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float
    base_f1: float
    base_recall: float | None
    change: Interval | None


@dataclass(frozen=True)
class Average:
    """A figure over all classes, in percent, of candidate and baseline."""

    name: str
    value: float
    base: float
    help: str


@dataclass(frozen=True)
class HardSample:
    """A sample whose answer flips in one or more candidates of a run.

    Attributes:
        index: Row of the evaluation.
        lost: Names of the candidates that get it wrong where the baseline is right; without labels, of those
            that answer differently.
        won: Names of those that get it right where the baseline is wrong.
    """

    index: int
    lost: tuple[str, ...]
    won: tuple[str, ...]


def class_name(index: int, names: Sequence[str]) -> str:
    """Return the name of a class, or its number."""
    return names[index] if index < len(names) and names[index] else str(index)


def class_rows(detail: AccuracyDetail, names: Sequence[str]) -> tuple[ClassRow, ...]:
    """Return the figures of each class that occurs in labels or answers."""
    counts = detail.classes
    if counts is None:
        return ()
    paired = detail.answers is Answers.CLASSES
    return tuple(_row(counts, at, names, paired) for at in range(len(counts.classes)))


def _row(counts: ClassCounts, at: int, names: Sequence[str], paired: bool) -> ClassRow:
    support, answered, hits = counts.support[at], counts.answered[at], counts.hits[at]
    base_answered, base_hits = counts.base_answered[at], counts.base_hits[at]
    change = None
    if paired and support >= FEWEST:
        drop = paired_difference(counts.lost[at], counts.won[at], support)
        change = Interval(0.0 - 100 * drop.value, 0.0 - 100 * drop.high, 0.0 - 100 * drop.low)
    return ClassRow(
        counts.classes[at],
        class_name(counts.classes[at], names),
        support,
        100 * hits / answered if answered else None,
        100 * hits / support if support else None,
        _f1(hits, support, answered),
        _f1(base_hits, support, base_answered),
        100 * base_hits / support if support else None,
        change,
    )


def _f1(hits: int, support: int, answered: int) -> float:
    return 200 * hits / max(support + answered, 1)


def averages(detail: AccuracyDetail) -> tuple[Average, ...]:
    """Return accuracy, macro-F1 and balanced accuracy, or what takes their place for places and boxes."""
    counts = detail.classes
    if counts is None or not sum(counts.support):
        return ()
    rows = class_rows(detail, ())
    there = [(row.recall, row.base_recall) for row in rows]
    recalls, base_recalls = (
        fmean(each for each in side if each is not None) for side in zip(*there, strict=True)
    )
    found = [
        Average(
            "Macro-F1",
            fmean(row.f1 for row in rows if _occurs(counts, row, ours=True)),
            fmean(row.base_f1 for row in rows if _occurs(counts, row, ours=False)),
            "Mean over the classes of the harmonic mean of precision and recall, as scikit-learn's f1_score.",
        ),
        Average(
            "Balanced accuracy",
            recalls,
            base_recalls,
            "Mean over the classes of the share of their samples that are found (recall).",
        ),
    ]
    if detail.answers is Answers.DETECTIONS:
        return tuple(found[:1])
    right = "Top-1 accuracy" if detail.answers is Answers.CLASSES else "Accuracy of single places"
    total = sum(counts.support)
    ours, theirs = (100 * sum(hits) / total for hits in (counts.hits, counts.base_hits))
    return (Average(right, ours, theirs, "Share of right answers."), *found)


def _occurs(counts: ClassCounts, row: ClassRow, *, ours: bool) -> bool:
    """Whether a class is in the labels or in the answers of one side: others have no F1."""
    at = counts.classes.index(row.index)
    return bool(row.support or (counts.answered if ours else counts.base_answered)[at])


def worst_classes(rows: Sequence[ClassRow], most: int) -> list[ClassRow]:
    """Return the classes that lost most recall, those with samples first."""
    return sorted(rows, key=lambda row: (row.recall or 0.0) - (row.base_recall or 0.0))[:most]


def details(store: Store, view: RunView) -> Mapping[str, AccuracyDetail]:
    """Return the details of all candidates of a run on one kind of machine, by id, read once a revision."""
    ids = [row.id for row in view.candidates if row.candidate.result is not None]

    def read() -> dict[str, AccuracyDetail]:
        found = ((id, accuracy_detail_of(store, id)) for id in ids)
        return {id: detail for id, detail in found if detail is not None}

    return cached(store).small.get(("accuracy", view.run.id, view.machine), view.run.revision, read)


def hard_samples(store: Store, view: RunView) -> tuple[HardSample, ...]:
    """Return the samples that flip in any candidate of a run, those that most candidates lose first."""
    lost: dict[int, list[str]] = {}
    won: dict[int, list[str]] = {}
    known = details(store, view)
    for row in view.candidates:
        flips = known[row.id].flips if row.candidate.position and row.id in known else None
        for at, index in enumerate(flips.index if flips else ()):
            side = lost if flips and was_lost(flips, at) else won
            side.setdefault(index, []).append(row.name)
    found = (
        HardSample(index, tuple(lost.get(index, ())), tuple(won.get(index, ()))) for index in {*lost, *won}
    )
    return tuple(sorted(found, key=lambda each: (-len(each.lost), -len(each.won), each.index)))


def was_lost(flips: Flips, at: int) -> bool:
    """Whether a flip is from right to wrong; without labels every one is."""
    return not flips.labels or flips.base_answers[at] == flips.labels[at]
