"""Pictures or numbers of chosen evaluation rows, made in a confined process."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from core.datasets.images.normalization import Pixels, PreparedImages
from core.datasets.preview import write_preview
from core.datasets.splits import FOR_EVALUATION
from core.domain.model import DataSet, SourceModel
from core.protocols import Array
from core.serde import from_plain
from core.work.unit import Done, Job, Kind

DATA = "data"
"""The unit's input: the parts of the data set that evaluate."""
MOST = 120


class ThumbnailsRequest(msgspec.Struct, frozen=True):
    """What to show.

    Attributes:
        model: The source model, which names the first input.
        data: The data set.
        rows: Of the evaluation, test first; what lies behind its end is left out.
    """

    model: SourceModel
    data: DataSet
    rows: tuple[int, ...]


class Thumbnails(msgspec.Struct, frozen=True):
    """The rows that are shown, in the order of the preview that was left."""

    rows: tuple[int, ...]


def thumbnails(request: ThumbnailsRequest, job: Job) -> Done[Thumbnails]:
    """Write a preview of the rows, see `core.datasets.preview.write_preview`."""
    data, model = request.data, request.model.with_sample_axis()
    parts = [job.inputs[DATA] / part.value for part in FOR_EVALUATION]
    arrays = _opened([part / "0.npy" for part in parts])
    rows = [row for row in request.rows[:MOST] if 0 <= row < sum(map(len, arrays))]
    labels = _opened([part / ("boxes.npy" if data.boxes else "labels.npy") for part in parts])
    prepared = PreparedImages(
        inputs={model.inputs[0].name: _taken(arrays, rows)},
        labels=_taken(labels, rows) if labels else None,
        classes=data.classes,
        boxes=data.boxes,
        pixels=None if data.pixels is None else from_plain(data.pixels, Pixels),
    )
    names = write_preview(job.folder, prepared, model, np.arange(len(rows))) if rows else []
    return Done(Thumbnails(tuple(rows)), [job.folder / name for name in names])


def _opened(paths: list[Path]) -> list[Array]:
    return [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths if path.exists()]


def _taken(arrays: list[Array], rows: list[int]) -> Array:
    """Return `rows` of arrays that lie one after another."""
    ends = np.cumsum([len(each) for each in arrays])
    at = np.searchsorted(ends, rows, side="right")
    begins = ends - [len(each) for each in arrays]
    return np.stack([arrays[part][row - begins[part]] for part, row in zip(at, rows, strict=True)])


UNIT = Kind(__name__, "show samples", ThumbnailsRequest, Thumbnails, thumbnails)
