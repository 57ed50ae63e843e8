"""Packaging as a unit of work: writes one download of a measured candidate, in a confined process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.domain.service import Trial
from core.domain.sweep import Sweep
from core.params import make
from core.protocols import LocalArtifact, Package
from core.registry import get_packager
from core.work.unit import Done, Job, Kind

MODEL, GOLDEN, REFERENCE = "model", "golden", "reference"
"""The unit's inputs: the artifact's files, and the golden samples and the reference as one file each."""
ORIGINAL = "original-"
SECOND = "second-"
"""Before the names of the same inputs of the model before it was optimized, and of another candidate."""


class PackRequest(msgspec.Struct, frozen=True):
    """What to write.

    Attributes:
        packager: Id of the kind of download.
        params: Values of the packager's `Params`.
        model: The source model.
        candidate: What is packed.
        baseline: Of the same run and kind of machine.
        artifact: Of the candidate.
        data: What the run used; None where it is not known.
        golden: Name of the file of golden samples.
        golden_samples: How many it holds.
        recipe: The candidate's recipe as a recipe file.
        seed: Of the run.
        original: The same of the model before it was optimized, where that belongs into the download.
        second: The same of another candidate.
        sweep: What was measured at other batch sizes and threads.
        trial: What came of starting the service.
        files: What the runtime puts into its kits, by name within the kit.
        reference: Name of the file of what is watched of predictions, on the evaluation data.
    """

    packager: str
    params: dict[str, Any]
    model: SourceModel
    candidate: Candidate
    baseline: Candidate
    artifact: Artifact
    data: DataSet | None
    golden: str
    golden_samples: int
    recipe: str
    seed: int
    original: PackRequest | None = None
    second: PackRequest | None = None
    sweep: Sweep | None = None
    trial: Trial | None = None
    files: dict[str, Path] = {}
    reference: str = ""


class Packed(msgspec.Struct, frozen=True):
    """Nothing but the file that the unit left."""


def _package(request: PackRequest, job: Job, inputs: str = "") -> Package:
    return Package(
        model=request.model,
        candidate=request.candidate,
        baseline=request.baseline,
        artifact=LocalArtifact.of(request.artifact, job.inputs[inputs + MODEL]),
        data=request.data,
        golden=job.inputs[inputs + GOLDEN] / request.golden,
        golden_samples=request.golden_samples,
        recipe=request.recipe,
        seed=request.seed,
        files=request.files,
        original=_package(request.original, job, ORIGINAL) if request.original is not None else None,
        second=_package(request.second, job, SECOND) if request.second is not None else None,
        sweep=request.sweep,
        trial=request.trial,
        reference=job.inputs[REFERENCE] / request.reference if request.reference else None,
    )


def pack(request: PackRequest, job: Job) -> Done[Packed]:
    """Write the download.

    Raises:
        InvalidRequest: The packager refuses the candidate.
    """
    packager = get_packager(request.packager)
    package = _package(request, job)
    path = job.folder / f"download.{packager.suffix}"
    packager.write(package, path, make(packager.Params, request.params))
    return Done(Packed(), [path])


UNIT = Kind(__name__, "packaging", PackRequest, Packed, pack, leaves_files=True)
