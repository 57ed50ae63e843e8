"""Metrics: outputs held against labels, beside the baseline's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from core.domain.measurement import Interval
from core.errors import RuntimeFailed
from core.protocols.artifacts import Array


@dataclass(frozen=True)
class LabelledOutput:
    """How an output and its labels look, before any of them is read.

    Attributes:
        task: One of `core.domain.model.TASKS`.
        row: Shape of one sample's labels: () for one class or number, (height, width) for a mask.
        classes: Size of the class axis; 2 for a single score against labels of 0 and 1; None where the labels
            are numbers to predict, and for boxes.
        boxes: Labels are boxes to find, `row` as in `core.protocols.datasets.Prepared`.
    """

    task: str
    row: tuple[int, ...] = ()
    classes: int | None = None
    boxes: bool = False

    @property
    def places(self) -> int:
        """Labels of one sample."""
        return prod(self.row)


@dataclass(frozen=True)
class Block:
    """Some samples, or some places of them, as a metric reads them.

    Attributes:
        rows: Which samples.
        ours: Of the candidate: scores (samples, places, classes), or numbers (samples, ...) as the labels, or
            detections (samples, most, 6): x1, y1, x2, y2, score, class, what fills up with a score of 0.
        theirs: Of the baseline.
        labels: Class indices (samples, places), those to be ignored being -1; or numbers (samples, ...); or
            boxes (samples, most, 6): x1, y1, x2, y2, crowd, class, what fills up with the class -1.
    """

    rows: slice
    ours: Array
    theirs: Array
    labels: Array


@dataclass(frozen=True)
class Paired:
    """The same samples through candidate and baseline, with their labels.

    Attributes:
        about: How they look.
        samples: How many.
        read: Yields all of them anew, a few megabytes at a time. Samples of one place are whole in a block,
            numbers always.
        itself: The candidate is the baseline.
        sequential: The number of samples was chosen looking at the figures: the interval of the drop should
            hold at every number of them.
    """

    about: LabelledOutput
    samples: int
    read: Callable[[], Iterator[Block]]
    itself: bool = False

    def blocks(self) -> Iterator[Block]:
        """Yield all samples anew.

        Raises:
            RuntimeFailed: An output is no number: what is computed of it would mean nothing.
        """
        for block in self.read():
            for name, each in (("candidate", block.ours), ("baseline", block.theirs)):
                if np.isnan(each).any():
                    raise RuntimeFailed(
                        f"The {name}'s outputs hold NaN, so no metric has a value.",
                        hint="See which technique or precision made them; the model itself may overflow.",
                    )
            yield block

    sequential: bool = False


@dataclass(frozen=True)
class Judged:
    """What a metric says of a candidate.

    Attributes:
        value: Of the candidate, with its 95 % interval.
        drop: By how much the candidate is worse than the baseline, with the interval of this paired
            difference; exactly 0 for the baseline itself.
        flips: Predictions whose correctness differs, where there is such a thing.
        mcnemar_p: Exact McNemar p-value of the flips.
        effective: Independent predictions that are worth as much as all of them.
        sequential: The interval of `drop` holds at every number of samples; metrics that can give no such
            interval leave it out, and are evaluated on all samples.
    """

    value: Interval
    drop: Interval
    flips: int | None = None
    mcnemar_p: float | None = None
    effective: float | None = None
    sequential: bool = False


class Metric(ABC):
    """One way to hold outputs against labels. A metric states what differs from the defaults here.

    Attributes:
        id: As ``--metric`` takes it.
        name: For people, as part of a sentence.
        unit: ``%`` for a share, whose differences are points; ``dB``; or empty for a number as it is.
        higher_is_better: Whether a smaller value is the worse one.
        default_drop: The limit where nobody states one, in its own unit: points of a share.
        relative: That limit is a share of the standard deviation of the numbers to predict.
        order: Among those that fit, the first is taken where the task names none.
        tasks: Those that it is the usual one of.
        boxes: It reads detections and boxes, and nothing else.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = True
    default_drop: ClassVar[float] = 1.0
    relative: ClassVar[bool] = False
    order: ClassVar[int]
    tasks: ClassVar[frozenset[str]] = frozenset()
    boxes: ClassVar[bool] = False

    @abstractmethod
    def fits(self, about: LabelledOutput) -> bool:
        """Whether it can be computed from such an output and such labels."""

    @abstractmethod
    def judge(self, given: Paired) -> Judged | str:
        """Return the figures, or in a sentence why they would mean nothing on these labels."""
