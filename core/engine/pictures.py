"""Chosen samples of a data set as files that a page may show."""

from __future__ import annotations

from collections.abc import Sequence

from core.datasets.splits import FOR_EVALUATION
from core.datasets.thumbnails import DATA, ThumbnailsRequest
from core.datasets.thumbnails import UNIT as THUMBNAILS
from core.domain.model import DataSet, FileRef, SourceModel
from core.engine.building import parts_of
from core.engine.executors import local
from core.engine.upload_slots import turn
from core.store.store import Store
from core.work.stop import Stop


def sample_pictures(
    store: Store, model: SourceModel, data: DataSet, rows: Sequence[int]
) -> tuple[tuple[int, ...], tuple[FileRef, ...]]:
    """Return the rows that can be shown and their preview's files, made in a confined process.

    The files belong to nobody, so that they are swept away later.

    Args:
        store: Holds the data.
        model: That the data fit.
        data: The data set.
        rows: Of the evaluation.

    Raises:
        WhetstoneError: The process failed.
    """
    unit = THUMBNAILS.unit(
        ThumbnailsRequest(model, data, tuple(rows)), inputs={DATA: parts_of(data, FOR_EVALUATION)}
    )
    with turn():
        done = local(store).run(unit, Stop())
    return done.values.rows, done.files
