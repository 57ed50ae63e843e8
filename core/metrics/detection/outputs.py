"""Detections among the outputs of a model: which outputs or columns hold boxes, scores and classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import prod
from typing import Any, Protocol

import numpy as np

from core.metrics.bootstrap import Floats
from core.protocols import Array


class Output(Protocol):
    """Numbers (samples, ...), in memory or in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes, the samples first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return a part as an array."""


LOOKED_AT = 256
"""Samples whose values tell which output is which."""
RIGHT_SHARE = 0.99
"""Of boxes whose second corner must not lie before the first."""
LARGEST_SHARE = 2.0
"""Corners are shares of the picture where none is beyond."""
Y_FIRST = "detection_boxes"
"""Name that TensorFlow's detectors give to boxes y1, x1, y2, x2."""
COLUMNS = {
    6: ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 5, 4)),
    7: ((1, 2, 3, 4, 6, 5), (3, 4, 5, 6, 2, 1)),
}
"""Where a single output of so many columns may hold the corners, the score and the class.

With seven the number of the picture in the batch is in front: then box, class, score, as exports of YOLO with
NMS have it, or class, score, box, as Caffe's and OpenVINO's ``DetectionOutput``.
"""


@dataclass(frozen=True)
class DetectionOutputs:
    """How outputs are read as detections.

    Attributes:
        name: Names of the outputs that hold them.
        outputs: Positions of boxes, scores and classes; or of the only output.
        columns: Of the only output: those of corners, score and class.
        scale: Pixels by which x and y are multiplied.
        y_first: Corners are y1, x1, y2, x2.
    """

    name: str
    outputs: tuple[int, ...]
    columns: tuple[int, ...] = ()
    scale: tuple[float, float] = (1.0, 1.0)
    y_first: bool = False

    def beside(self, outputs: Sequence[Output]) -> list[int]:
        """Return the positions of other outputs that can be compared sample by sample.

        Masks and keypoints have a row for each detection, and another number of them moves all rows; how many
        there are, the detections tell themselves.
        """
        count = outputs[self.outputs[0]].shape[1:][-2:-1] or (1,)
        rows = {index: each.shape[1:] for index, each in enumerate(outputs) if index not in self.outputs}
        return [index for index, row in rows.items() if prod(row) > 1 and count[0] not in row[:2]]

    def read(self, outputs: Sequence[Output], rows: slice = slice(None)) -> Floats:
        """Return the detections of some samples (samples, most, 6): x1, y1, x2, y2, score, class."""
        if self.columns:
            whole = outputs[self.outputs[0]]
            values = _table(whole[rows], whole.shape[-1])[:, :, list(self.columns)]
        else:
            boxes, *others = (outputs[index][rows] for index in self.outputs)
            values = np.concatenate([_table(boxes, 4), *(_table(each, 1) for each in others)], axis=2)
        if self.y_first:
            values = values[:, :, [1, 0, 3, 2, 4, 5]]
        values[:, :, 0:4:2] *= self.scale[0]
        values[:, :, 1:4:2] *= self.scale[1]
        return values


def detection_outputs(
    names: Sequence[str], outputs: Sequence[Output], canvas: tuple[int, int] | None
) -> DetectionOutputs | None:
    """Return how `outputs` hold detections, or None where that is not beyond doubt.

    Args:
        names: Of the outputs.
        outputs: Of the baseline (samples, ...): shapes and values are the evidence.
        canvas: Height and width of the input picture, for corners that are shares of it.
    """
    ways = (*_three(names, outputs), *_one(names, outputs))
    found = next((each for each in ways if _plausible(each, outputs)), None)
    if found is None or canvas is None:
        return found
    seen = found.read(outputs, slice(LOOKED_AT))
    corners = np.abs(seen[seen[:, :, 4] > 0][:, :4])
    if not corners.size or corners.max() > LARGEST_SHARE:
        return found
    return replace(found, scale=(float(canvas[1]), float(canvas[0])))


def one_call(outputs: Sequence[Array]) -> list[Array]:
    """Return the outputs of a call with one sample as (1, ...), with or without a batch in front."""
    return [each if each.ndim and len(each) == 1 else each[np.newaxis] for each in outputs]


def _three(names: Sequence[str], outputs: Sequence[Output]) -> Iterator[DetectionOutputs]:
    """Yield boxes (n, 4), scores (n,) and classes (n,) among the outputs, in any order."""
    boxes = [index for index, each in enumerate(outputs) if each.dtype.kind == "f" and _is_table(each, 4)]
    if len(boxes) != 1:
        return
    row = outputs[boxes[0]].shape[1:]
    count = row[-2] if len(row) > 1 else 1
    flat = [i for i, each in enumerate(outputs) if i not in boxes and _is_list(each, count)]
    pairs = [pair for pair in permutations(flat, 2) if outputs[pair[0]].dtype.kind == "f"]
    # Where no value tells scores from classes, as nothing was found, whole numbers or names do.
    pairs.sort(key=lambda pair: (outputs[pair[1]].dtype.kind == "f", "score" not in names[pair[0]].lower()))
    for pair in pairs:
        places = (boxes[0], *pair)
        title = ", ".join(names[each] for each in places)
        yield DetectionOutputs(title, places, y_first=Y_FIRST in names[boxes[0]].lower())


def _one(names: Sequence[str], outputs: Sequence[Output]) -> Iterator[DetectionOutputs]:
    """Yield six or seven columns of a single output."""
    if len(outputs) != 1 or outputs[0].dtype.kind != "f" or len(outputs[0].shape) < 2:
        return
    width = outputs[0].shape[-1]
    if _is_table(outputs[0], width):
        for columns in COLUMNS.get(width, ()):
            yield DetectionOutputs(names[0], (0,), columns)


def _is_table(output: Output, width: int) -> bool:
    """Whether a sample is (n, `width`), with any axes of 1 in front; (`width`,) where n was always 1."""
    row = output.shape[1:]
    return bool(row) and row[-1] == width and prod(row[:-2]) == 1


def _is_list(output: Output, count: int) -> bool:
    """Whether a sample is `count` numbers; of shape () where that was always 1."""
    row = output.shape[1:]
    return len(row) <= 2 and prod(row) == count and output.dtype.kind in "iuf"


def _table(values: Array, width: int) -> Floats:
    return values.reshape(len(values), -1 if values.size else 0, width).astype(np.float64)


def _plausible(found: DetectionOutputs, outputs: Sequence[Output]) -> bool:
    """Whether values can be what they are read as: corners in order, scores up to 1, classes whole."""
    seen = found.read(outputs, slice(LOOKED_AT))
    there = seen[seen[:, :, 4] > 0]
    if not len(there):
        return bool((seen[:, :, 4] == 0).all())
    ordered = (there[:, 2:4] >= there[:, :2]).all(axis=1)
    classes = there[:, 5]
    whole = (classes == np.floor(classes)) & (classes >= 0)
    return bool(ordered.mean() >= RIGHT_SHARE and there[:, 4].max() <= 1 and whole.all())
