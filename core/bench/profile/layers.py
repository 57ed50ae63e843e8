"""Unit of work that profiles the layers of one candidate on its machine, in a confined process of its own."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import msgspec

from core.bench.profile.commands import PROFILE
from core.bench.profile.scaling import scaled
from core.bench.timing.endpoint import Endpoint, Host, parent_elsewhere, timing_cores
from core.domain.model import SourceModel
from core.domain.profile import LayerProfile, Profile
from core.domain.recipe import Artifact, Target
from core.machine.environment import environment
from core.protocols import LocalArtifact
from core.sandbox.answers import made_of
from core.texts import one_line
from core.work.unit import Done, Job, Kind, Progress

MODEL, DATA = "model", "data"
"""The unit's inputs: files of the candidate, and rows to call it with."""
HOST = "core.bench.profile.host"


class ProfileRequest(msgspec.Struct, frozen=True):
    """What to profile.

    Attributes:
        model: The source model.
        artifact: Of the candidate.
        target: How it runs.
    """

    model: SourceModel
    artifact: Artifact
    target: Target


def profile_layers(request: ProfileRequest, job: Job) -> Done[Profile]:
    """Profile the layers of a candidate.

    Raises:
        RuntimeFailed: Its runtime has no profiler, or refuses the artifact.
        Cancelled: The work was stopped.
    """
    target, before = request.target, environment()
    cores = timing_cores(target.threads)
    artifact = LocalArtifact.of(request.artifact, job.inputs[MODEL])
    endpoint, data = Endpoint(artifact, target, request.model), job.inputs.get(DATA)
    job.progress(Progress(message="profiling the layers"))
    with Host(endpoint, job.folder, data, cores, job.over, HOST) as host:
        host.ready()
        with parent_elsewhere(cores):
            found = host.ask(PROFILE, host.opening, made_of)
    return Done(
        Profile(
            target.runtime_id,
            scaled(found.layers, found.plain_ms, found.profiled_ms),
            median(found.plain_ms),
            median(found.profiled_ms),
            target.threads,
            request.model.fixed_batch or target.batch,
            len(found.profiled_ms),
            replace(environment(), load_before=before.load_before),
        )
    )


def cleaned(_: ProfileRequest, profile: Profile) -> Profile:
    """Return the profile with the names in it made harmless: they are a stranger's."""
    return replace(profile, layers=tuple(_clean(layer) for layer in profile.layers))


def _clean(layer: LayerProfile) -> LayerProfile:
    return replace(
        layer,
        name=one_line(layer.name),
        operator=one_line(layer.operator),
        precision=one_line(layer.precision),
        kernel=one_line(layer.kernel),
        nodes=tuple(one_line(name) for name in layer.nodes),
        inputs=tuple(one_line(name) for name in layer.inputs),
    )


UNIT = Kind(__name__, "profile", ProfileRequest, Profile, profile_layers, confined=False, accept=cleaned)
