"""Reference of a service as a unit of work: what is watched of predictions, on the evaluation data.

The candidate is run with the code that the service has, `templates/service/serving/features.py`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from time import monotonic
from typing import Any

import msgspec
import numpy as np

from core.datasets.rows import Rows
from core.datasets.splits import Part
from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Target
from core.packagers.serving.code import service_code
from core.protocols import Array, LocalArtifact, Session
from core.registry import get_runtime
from core.work.unit import Done, Job, Kind

REFERENCE = "reference.npz"
MODEL, DATA = "model", "data"
"""The unit's inputs: the artifact's files, and the data set's test rows."""
MOST_ROWS, MOST_S = 2000, 20.0
"""Rows that are run, and the time after which no further one is."""


class ReferenceRequest(msgspec.Struct, frozen=True):
    """What to run.

    Attributes:
        model: The source model.
        artifact: Of the candidate.
        target: Of the candidate.
        scores: Output with a score for each class; empty without one.
        classes: Whether the labels are classes, one a row.
    """

    model: SourceModel
    artifact: Artifact
    target: Target
    scores: str
    classes: bool


class Referred(msgspec.Struct, frozen=True):
    """How many rows were run; the unit's file is the reference."""

    rows: int


def refer(request: ReferenceRequest, job: Job) -> Done[Referred]:
    """Run the candidate on test rows drawn at random, and write what is watched of them.

    Raises:
        RuntimeFailed: The runtime refuses the artifact, or a row.
    """
    # They import SciPy, which the pages that know this unit do without.
    drift, features = service_code("drift"), service_code("features")

    rows = Rows([job.inputs[DATA] / Part.TEST], request.model)
    artifact = LocalArtifact.of(request.artifact, job.inputs[MODEL])
    found: list[list[Any]] = []
    labelled = correct = done = 0
    batch = request.target.batch if rows.by_batch else request.model.fixed_batch or 1
    until, most = monotonic() + MOST_S, min(rows.samples, MOST_ROWS)
    with closing(
        get_runtime(request.target.runtime_id).open(artifact, request.target, request.model)
    ) as model:
        for feed, labels in rows.labelled(batch, job.seed):
            if done >= most or (found and monotonic() > until):
                break
            outputs = _outputs(model, feed, request.model)
            size = batch if request.model.by_rows else 1
            kept = min(size, most - done)
            made = features.parts(request.model.inputs, feed, outputs, request.scores, size)
            found.append([replace(part, values=part.values[:kept]) for part in made])
            done += kept
            if labels is not None and request.classes and request.scores:
                correct += int((outputs[request.scores].argmax(axis=1) == labels).ravel()[:kept].sum())
                labelled += kept
    parts = [
        replace(each[0], values=np.concatenate([part.values for part in each]))
        for each in zip(*found, strict=True)
    ]
    path = job.folder / REFERENCE
    drift.reference_of(parts, labelled, correct).save(path)
    return Done(Referred(done), [path])


def _outputs(model: Session, feed: dict[str, Array], source: SourceModel) -> dict[str, Array]:
    named = zip(source.outputs, model.run(feed), strict=True)
    return {spec.name: np.asarray(value) for spec, value in named}


UNIT = Kind(__name__, "reference", ReferenceRequest, Referred, refer, leaves_files=True)
