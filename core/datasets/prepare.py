"""Preparation of data in a confined process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from core.datasets.build import build
from core.domain.model import DataSet, SourceModel
from core.sandbox.answers import lines, made_of, unusable
from core.serde import to_plain
from core.texts import one_line
from core.work.output_files import LONGEST_NAME
from core.work.unit import Done, Job, Kind

MOST_CLASSES, MOST_FACTS = 1_000_000, 50


class PrepareRequest(msgspec.Struct, frozen=True):
    """What to prepare; the unit `reads` the paths, and its seed splits.

    Attributes:
        path: File, folder or name of a built-in set; None for random inputs.
        model: What the rows must fit.
        params: Values of the format's `Params`.
        format: Id of the format; empty finds it.
        training: A training set of its own.
    """

    path: Path | None
    model: SourceModel
    params: dict[str, Any] = {}
    format: str = ""
    training: Path | None = None


class PreparedData(msgspec.Struct, frozen=True):
    """The data set, without id and files; these are what the unit left."""

    data: DataSet


def prepare(request: PrepareRequest, job: Job) -> Done[PreparedData]:
    """Build a data set.

    Raises:
        InputError: The data cannot be used.
    """
    built = build(
        request.path, job.folder, request.model, request.params, job.seed, request.format, request.training
    )
    return Done(PreparedData(built.data), [job.folder / name for name in built.files])


def accept(request: PrepareRequest, answer: PreparedData) -> PreparedData:
    """Return the data set that was prepared, in plain texts and figures.

    Raises:
        UnsafeUpload: It is one of other inputs, or none that can be.
    """
    said = answer.data
    if said.inputs != tuple(spec.name for spec in request.model.inputs):
        raise unusable("it describes data of another model")
    if max(len(said.classes), len(said.box_classes)) > MOST_CLASSES or len(said.preparation) > MOST_FACTS:
        raise unusable("it has more classes or facts than data can have")
    counts = (said.calibration_samples, said.search_samples, said.test_samples(True), said.training_samples)
    if min(counts) < 0:
        raise unusable("it counts fewer samples than none")
    data = made_of(lines(to_plain(said)), DataSet)
    return PreparedData(replace(data, name=one_line(data.name, LONGEST_NAME), inputs=said.inputs))


UNIT = Kind(__name__, "prepare", PrepareRequest, PreparedData, prepare, leaves_files=True, accept=accept)
