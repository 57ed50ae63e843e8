"""Accuracy in detail: per class, confusion, calibration, flips, errors and worst samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answers(StrEnum):
    """What the judged output answers."""

    CLASSES = "classes"
    """One label for each sample."""
    PLACES = "places"
    """A label for each of many places, such as pixels or tokens."""
    NUMBERS = "numbers"
    """Numbers to predict."""
    DETECTIONS = "detections"
    """Boxes with a class and a score."""
    OTHER = "other"
    """Something else: only how far it is from the baseline's can be told."""


@dataclass(frozen=True)
class ClassCounts:
    """Counts of the classes that occur in labels or answers, as columns; all else follows from them.

    Attributes:
        classes: Index of each.
        support: Labels of it.
        answered: Answers of it by the candidate.
        hits: Of those, the right ones.
        base_answered: Answers of it by the baseline.
        base_hits: Of those, the right ones.
        lost: Labels of it that only the baseline gets right.
        won: Labels of it that only the candidate gets right.
    """

    classes: tuple[int, ...]
    support: tuple[int, ...]
    answered: tuple[int, ...]
    hits: tuple[int, ...]
    base_answered: tuple[int, ...]
    base_hits: tuple[int, ...]
    lost: tuple[int, ...]
    won: tuple[int, ...]


@dataclass(frozen=True)
class Confusion:
    """Confusion matrix as its cells that are not empty.

    Attributes:
        labels: Class of the label, of each cell.
        answers: Class of the answer.
        counts: How often.
        whole: All cells are there; otherwise only the most frequent confusions.
    """

    labels: tuple[int, ...]
    answers: tuple[int, ...]
    counts: tuple[int, ...]
    whole: bool


@dataclass(frozen=True)
class Reliability:
    """Confidence of the first class against how often it is right, in bins of equal width.

    Attributes:
        ece: Expected calibration error in percent.
        counts: Samples in each bin; the last one holds a confidence of exactly 1.
        confidence: Mean confidence in each bin, 0 to 1; 0 in empty ones.
        accuracy: Share of right answers, likewise.
    """

    ece: float
    counts: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Flips:
    """Samples whose answer is right in one and wrong in the other, or without labels: differs; as columns.

    Attributes:
        total: How many there are; where it is more than the rows here, these are the ones that the baseline
            was most confident of.
        index: Row of the evaluation.
        labels: Class of each; empty without labels.
        answers: Of the candidate.
        base_answers: Of the baseline.
        confidence: Of the candidate in its answer, 0 to 1; empty where scores are no probabilities.
        base_confidence: Of the baseline in its answer.
    """

    total: int
    index: tuple[int, ...]
    labels: tuple[int, ...]
    answers: tuple[int, ...]
    base_answers: tuple[int, ...]
    confidence: tuple[float, ...]
    base_confidence: tuple[float, ...]


@dataclass(frozen=True)
class Errors:
    """Errors of predicted numbers, answer minus label.

    Attributes:
        edges: Bounds of the bins, one more than there are bins; what lies outside is in the outermost.
        counts: Errors in each bin.
        base_counts: Of the baseline.
        r2: Coefficient of determination, the mean over outputs; None where the labels never change.
        base_r2: Of the baseline.
        rmse: Root of the mean squared error.
        base_rmse: Of the baseline.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    base_counts: tuple[int, ...]
    r2: float | None
    base_r2: float | None
    rmse: float
    base_rmse: float


@dataclass(frozen=True)
class Worst:
    """Samples on which the candidate is furthest behind the baseline, worst first; as columns.

    Attributes:
        measure: What the values are, with the unit.
        index: Row of the evaluation.
        values: Of the candidate.
        base_values: Of the baseline; empty where the values are differences from it.
    """

    measure: str
    index: tuple[int, ...]
    values: tuple[float, ...]
    base_values: tuple[float, ...]


@dataclass(frozen=True)
class AccuracyDetail:
    """Accuracy in detail, on the rows that the figures are reported on.

    Attributes:
        answers: What the output answers.
        output: Name of the output.
        samples: Rows that were compared.
        total_classes: Size of the class axis; 0 without one.
        labelled: Whether labels were there.
        classes: Per class; None without labels of classes.
        confusion: Of labels and answers, or without labels of the baseline's answers and the candidate's.
        reliability: None where scores are no probabilities of one label.
        unreliable: Why there is none, in a sentence.
        flips: None where there is no single answer to a sample.
        errors: Of numbers.
        worst: Where there are no flips.
        note: What is not shown and why, in a sentence.
        postprocess_ms: Time of turning the outputs of one sample into its answer, on one core; None where
            the outputs are the answer.
        postprocess: What that is.
    """

    answers: Answers
    output: str
    samples: int
    total_classes: int = 0
    labelled: bool = False
    classes: ClassCounts | None = None
    confusion: Confusion | None = None
    reliability: Reliability | None = None
    unreliable: str = ""
    flips: Flips | None = None
    errors: Errors | None = None
    worst: Worst | None = None
    note: str = ""
    postprocess_ms: float | None = None
    postprocess: str = ""
