"""Loss of a variant against the original: answers lost on labelled rows, else the error of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt
from time import process_time

import numpy as np

from core.domain.model import DETECTION, SourceModel
from core.metrics.detection.outputs import DetectionOutputs, detection_outputs, one_call
from core.metrics.detection.pairs import pair_up
from core.passes.quantization.calibration import CalibrationFeeds
from core.protocols import Array, Feed, PassContext

Run = Callable[[Feed], list[Array]]

BATCH = 16
MOST_ROWS, FEWEST_ROWS = 2000, 64
SURE = 1.645
"""Standard errors that a loss counts as more: 95 % sure, one-sided. The fastest of many is chosen, and that
is often one that was lucky."""
MOST_SECONDS = 8.0
SENSED_ROWS = 64
"""For the noise of one region."""


@dataclass(frozen=True)
class Loss:
    """Loss of a variant on the rows to choose by.

    Attributes:
        error: Of the worst output, its root mean square by that of the output, in percent.
        points: Percentage points of right answers lost, or of detections; None for other outputs.
        doubt: Standard error of `points`.
    """

    error: float
    points: float | None = None
    doubt: float = 0.0

    def within(self, most_points: float, most_error: float) -> bool:
        """Whether it surely respects the limit."""
        return (
            self.error <= most_error
            if self.points is None
            else self.points + SURE * self.doubt <= most_points
        )


class Judge:
    """Holds the answers of the original.

    Args:
        context: Gives rows to search by, or those for calibration where there are none.
        original: Runs what is compared with.
        most_rows: Rows at most.
        seconds: Of the processor, for the original on all rows: about so long may each variant take, too.
    """

    def __init__(
        self,
        context: PassContext,
        original: Run,
        most_rows: int = MOST_ROWS,
        seconds: float = MOST_SECONDS,
    ) -> None:
        self._feeds: list[Feed] = []
        self._expected: list[list[Array]] = []
        labels: list[Array] = []
        began, self.rows = process_time(), 0
        for feed, known in _rows(context):
            self._feeds.append(feed)
            self._expected.append(original(feed))
            if known is not None:
                labels.append(known)
            self.rows += len(next(iter(feed.values()))) if known is None else len(known)
            late = process_time() - began > seconds
            if self.rows >= most_rows or (late and self.rows >= FEWEST_ROWS):
                break
        self._ways = _detections(context.model, self._expected)
        self._right = self._counted(labels)

    def _counted(self, labels: list[Array]) -> Array | None:
        """Return which rows the original answers rightly (rows,), or None where labels are no classes."""
        scores = self._expected[0][0]
        if not labels or scores.ndim != 2 or scores.shape[1] < 2 or any(each.ndim != 1 for each in labels):
            return None
        if any(each.dtype.kind not in "iu" or each.max() >= scores.shape[1] for each in labels):
            return None
        self._labels = np.concatenate(labels)
        right: Array = self._answers(self._expected) == self._labels
        return right

    @staticmethod
    def _answers(outputs: list[list[Array]]) -> Array:
        found: Array = np.concatenate([each[0] for each in outputs]).argmax(1)
        return found

    def loss(self, variant: Run) -> Loss:
        """Return the loss of a variant."""
        outputs = [variant(feed) for feed in self._feeds]
        if self._ways is not None:
            lost = 1 - _shares(self._ways, outputs, self._expected)
            mean, doubt = float(lost.mean()), float(lost.std() / sqrt(len(lost)))
            return Loss(100 * sqrt(mean), 100 * mean, 100 * doubt)
        error = 100 * sqrt(_noise(self._expected, outputs))
        if self._right is None:
            return Loss(error)
        change = self._right.astype(float) - (self._answers(outputs) == self._labels)
        return Loss(error, 100 * float(change.mean()), 100 * float(change.std() / sqrt(len(change))))

    def noise(self, variant: Run) -> float:
        """Return the power of the error of the worst output by that of the output, on a few rows."""
        count = max(1, SENSED_ROWS // max(1, self.rows // len(self._feeds)))
        found, expected = [variant(feed) for feed in self._feeds[:count]], self._expected[:count]
        if self._ways is not None:
            return 1 - float(_shares(self._ways, found, expected).mean())
        return _noise(expected, found)


def _detections(model: SourceModel, calls: list[list[Array]]) -> DetectionOutputs | None:
    """Return how the calls of a detector, each with one sample, hold its detections."""
    if model.task != DETECTION or model.fixed_batch != 1:
        return None
    most = max(calls, key=lambda call: sum(each.size for each in call))
    return detection_outputs([spec.name for spec in model.outputs], one_call(most), model.canvas)


def _shares(ways: DetectionOutputs, found: list[list[Array]], expected: list[list[Array]]) -> Array:
    """Return the share of detections of each call that both have."""
    pairs = zip(map(one_call, found), map(one_call, expected), strict=True)
    return np.concatenate([pair_up(ways, ours, theirs).shares for ours, theirs in pairs])


def _rows(context: PassContext) -> Iterator[tuple[Feed, Array | None]]:
    if context.search is None:
        return ((feed, None) for feed in CalibrationFeeds(context, MOST_ROWS))
    return context.search.batches(BATCH, None)


def _noise(expected: list[list[Array]], found: list[list[Array]]) -> float:
    """Return the largest noise of any float output, relative to it; infinite where it is no number."""
    worst = 0.0
    for output in range(len(expected[0])):
        if expected[0][output].dtype.kind != "f":
            continue
        pairs = [
            (a[output].astype(float), b[output].astype(float)) for a, b in zip(expected, found, strict=True)
        ]
        signal = sum(float(np.square(a).sum()) for a, _ in pairs)
        noise = sum(float(np.square(a - b).sum()) for a, b in pairs)
        worst = max(worst, noise / max(signal, 1e-30) if np.isfinite(noise) else float("inf"))
    return worst
