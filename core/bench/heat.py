"""The final heat on one machine: baseline and best candidates in interleaved rounds with each other."""

from __future__ import annotations

import msgspec
import numpy as np

from core.bench.timing.endpoint import Endpoint
from core.bench.timing.final_heat import Heated, heat
from core.bench.timing.interleaving import MeasurementPlan
from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Target
from core.protocols import LocalArtifact
from core.work.unit import Done, Job, Kind

DATA = "data"


class HeatRequest(msgspec.Struct, frozen=True):
    """Whom to time against each other.

    Attributes:
        model: The source model.
        entries: Artifact and target of each, the baseline first; their files are the inputs `entry_input`.
        plan: Wanted rounds and starts.
        seconds: Time for everything; None for as much as the plan wants.
    """

    model: SourceModel
    entries: tuple[tuple[Artifact, Target], ...]
    plan: MeasurementPlan
    seconds: float | None


class HeatFound(msgspec.Struct, frozen=True):
    """What the heat says of one entry, see `core.bench.timing.final_heat.Heated`."""

    starts: tuple[tuple[float, ...], ...]
    batch: int
    busy: float

    def heated(self) -> Heated:
        """Return it with its ratios as arrays."""
        return Heated(tuple(np.asarray(start, np.float64) for start in self.starts), self.batch, self.busy)


class HeatAnswer(msgspec.Struct, frozen=True):
    """What was found of each entry, in their order."""

    found: tuple[HeatFound, ...]


def entry_input(index: int) -> str:
    """Return the name of the input with the files of this entry."""
    return f"model-{index}"


def run_heat(request: HeatRequest, job: Job) -> Done[HeatAnswer]:
    """Time all entries against each other.

    Raises:
        Cancelled: The work was stopped.
    """
    endpoints = [
        Endpoint(LocalArtifact.of(artifact, job.inputs[entry_input(index)]), target, request.model)
        for index, (artifact, target) in enumerate(request.entries)
    ]
    data, seconds = job.inputs[DATA], request.seconds
    found = heat(endpoints, request.plan, job.folder, data, job.seed, job.over, seconds)
    told = (HeatFound(tuple(tuple(s.tolist()) for s in each.starts), each.batch, each.busy) for each in found)
    return Done(HeatAnswer(tuple(told)))


UNIT = Kind(__name__, "final heat", HeatRequest, HeatAnswer, run_heat, confined=False)
