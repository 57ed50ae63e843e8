"""Build artifacts step by step; a prefix that is there already is not built again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from core.datasets.build import RANDOM
from core.datasets.splits import FOR_BUILDING, Part
from core.domain.model import DataSet, FileRef, SourceModel
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.engine.checkpoints import checkpoint_folder, forget_checkpoints
from core.engine.executors import local
from core.errors import Cancelled, ChildTimeout, NotFound, PassNotApplicable
from core.formats.check import UNIT as CHECK
from core.machine.environment import fingerprint
from core.optional import version
from core.params import make
from core.passes.build import DATA, MODEL, TEACHER, BuildRequest, Built, imports_of
from core.passes.build import UNIT as BUILD
from core.protocols import LocalArtifact, Pass, Trainer
from core.registry import get_format, get_pass, passes
from core.serde import digest, to_plain
from core.settings import get_settings
from core.store.store import Store
from core.toolchains.lists import get_toolchain
from core.work.executor import Executor
from core.work.local import prepare
from core.work.stop import Stop
from core.work.unit import Check, Progress, WorkResult, WorkUnit, unheard

CORES = 2
"""Threads of a build: enough for most steps, and the same on every machine, so that builds are alike."""
TRAINING_SHARE, GIVEN_SHARE, GRACE_SHARE = 0.8, 0.9, 0.3
"""Of the time of a candidate: the rest is for what comes after, and for measuring. Where a training is given
its time, that is kept already. Of the rest a training that is late on a busy machine may take a share."""
COMPLETE = "complete"
"""Detail by which a pass that trains says that the deadline ended it: false."""


def warm_exports() -> None:
    """Have what the techniques between formats import ready for the first build of this process."""
    for each in passes().values():
        if each.bridges and not each.toolchain:
            prepare(BUILD, imports_of(each), CORES)


def source_artifact(model: SourceModel) -> Artifact:
    """Return the uploaded model as the root of all artifacts."""
    return Artifact(model.id, None, None, model.format, model.files)


def machine_bound(parent: Artifact, technique: Pass) -> bool:
    """Return whether what `technique` makes of `parent` is for the kind of machine that it is made on."""
    formats = (parent.format, technique.produces[parent.format])
    return technique.measures or any(get_format(each).machine_bound for each in formats)


def artifact_id(
    parent: Artifact,
    technique: Pass,
    params: Any,
    data: DataSet | None,
    seed: int,
    target: Target | None = None,
) -> str:
    """Return the id of what `technique` makes of `parent`: equal inputs give equal ids.

    Of a format that is bound to its machine, the id is bound to it, too, and so is what a technique that
    measures makes for its `target`: to the kind that the target names, or to this machine.
    """
    bound = machine_bound(parent, technique)
    looks = technique.calibrates or technique.searches
    libraries = {module: version(module) for module in technique.libraries}
    return digest(
        parent.id,
        technique.id,
        technique.version,
        to_plain(params),
        data.id if data is not None and looks else None,
        seed,
        libraries | ({"toolchain": get_toolchain(technique.toolchain).lock} if technique.toolchain else {}),
        *([(target and target.machine) or fingerprint()] if bound else []),
        *([to_plain(target)] if technique.measures else []),
    )[:24]


def _unfinished_id(identity: str, files: Sequence[FileRef]) -> str:
    """Return the id of what a training had made when its time was over: by its weights, too."""
    return digest(identity, [file.sha256 for file in files])[:24]


def lay_out(store: Store, artifact: Artifact, folder: Path) -> LocalArtifact:
    """Lay the files of `artifact` out in `folder` for a working process."""
    folder.mkdir(parents=True, exist_ok=True)
    store.blobs.lay_out(artifact.files, folder)
    return LocalArtifact.of(artifact, folder)


def check(store: Store, artifacts: Sequence[LocalArtifact]) -> None:
    """Look at artifacts in a fresh working process, as at uploads.

    Args:
        store: Has room for the job.
        artifacts: Each in a folder of its own.

    Raises:
        InputError: They are unsafe or broken: what built them may have been taken over.
    """
    reads = tuple(each.path.parent for each in artifacts)
    local(store).run(CHECK.unit(Check(tuple(artifacts)), reads=reads), Stop())


def parts_of(data: DataSet, parts: Sequence[Part]) -> tuple[FileRef, ...]:
    """Return the files of these `parts` of `data`."""
    return tuple(file for file in data.files if file.name.split("/")[0] in parts)


def lay_out_data(store: Store, data: DataSet, folder: Path, parts: Sequence[Part]) -> Path:
    """Lay these `parts` of `data` out in a new `folder` for a working process, and return it.

    The others are not there to be read, whatever the process does.
    """
    folder.mkdir()
    store.blobs.lay_out(parts_of(data, parts), folder)
    return folder


class Builder:
    """Builds the artifacts of one run.

    Args:
        store: Finds and keeps artifacts.
        model: The source model.
        data: Calibration data; None calibrates on random inputs.
        seed: Of every random choice.
        stop: Ends a step early.
        on_step: Told the pass's id before a step is really built.
        on_built: Told the pass's id and the seconds once it is there; None seconds where it was there before.
        executor: Builds the steps; this machine if not given.
        on_progress: Told what a step says of itself while it is built.
    """

    def __init__(
        self,
        store: Store,
        model: SourceModel,
        data: DataSet | None,
        seed: int,
        stop: Stop,
        on_step: Callable[[str], None],
        on_built: Callable[[str, float | None], None],
        executor: Executor | None = None,
        on_progress: Callable[[Progress], None] = unheard,
    ) -> None:
        self._store, self._model, self._data = store, model, data
        self._seed, self._stop, self._on_step = seed, stop, on_step
        self._on_built = on_built
        self._executor, self._on_progress = executor or local(store), on_progress
        self._training_s: float | None = None
        self._cut_short: dict[str, Artifact] = {}
        self._first: dict[tuple[str, ...], Artifact] = {}

    def remember(self, artifact_ids: Iterable[str | None]) -> None:
        """Take what the run built before: trainings whose time was over, and what others may equal."""
        for each in filter(None, artifact_ids):
            with suppress(NotFound):
                found = self._store.artifacts.get(each)
                while found.parent is not None:
                    self._note(found)
                    self._first_alike(found)
                    found = self._store.artifacts.get(found.parent)

    def build(self, recipe: Recipe, training_s: float | None = None) -> Artifact:
        """Return the artifact of `recipe`, building what is missing.

        Args:
            recipe: What to build.
            training_s: Seconds that a training of it may take; None for as many as any step.

        Raises:
            PassNotApplicable: A step cannot work on this model.
            WhetstoneError: A step failed; `Builder` leaves no trace of it.
        """
        artifact, self._training_s = source_artifact(self._model), training_s
        for step in recipe.steps:
            artifact = self._step(artifact, step, recipe.target)
        return artifact

    def _step(self, parent: Artifact, step: Step, target: Target) -> Artifact:
        technique = get_pass(step.pass_id)
        if parent.format not in technique.accepts:
            raise PassNotApplicable(
                f"{technique.name} takes {' or '.join(sorted(technique.accepts))}, not {parent.format}.",
                hint="Put an export before it.",
            )
        params = make(technique.Params, step.params)
        if machine_bound(parent, technique):
            target = replace(target, machine=self._place(target.machine))
        identity = artifact_id(parent, technique, params, self._data, self._seed, target)
        found = self._store.artifacts.find(identity) or self._unfinished(identity)
        if found is not None:
            self._on_built(step.pass_id, None)
            return self._first_alike(found)
        self._stop.begin()
        self._on_step(step.pass_id)
        began = time.monotonic()
        made = self._run(identity, parent, step, target)
        self._on_built(step.pass_id, time.monotonic() - began)
        return self._first_alike(made)

    def _first_alike(self, artifact: Artifact) -> Artifact:
        """Return the run's first artifact with the same files: what is made of it is made once.

        Other parameters of a technique may come to the same, such as 38 % and 44 % of a few blocks.
        """
        step, files = artifact.step, sorted(f"{each.name} {each.sha256}" for each in artifact.files)
        alike = (artifact.parent or "", step.pass_id if step else "", repr(artifact.options), *files)
        return self._first.setdefault(alike, artifact)

    def _place(self, machine: str) -> str:
        """Return the kind of machine that measures what is bound to it; empty where that is this one."""
        return machine or ("" if self._executor.here else next(iter(self._executor.machines()), ""))

    def _run(self, identity: str, parent: Artifact, step: Step, target: Target) -> Artifact:
        technique = get_pass(step.pass_id)
        trains, measures = isinstance(technique, Trainer), technique.measures
        inputs = {MODEL: parent.files, **({DATA: parts_of(self._data, FOR_BUILDING)} if self._data else {})}
        filled = trains and self._training_s is not None
        request = BuildRequest(step, self._model, parent, target if measures else None, filled)
        cores = max(CORES, target.threads) if measures else CORES
        needs: dict[str, Any] = {"toolchain": technique.toolchain, "cores": cores, "alone": measures}
        needs |= {"compiles": technique.compiles, "starts": technique.starts}
        if machine_bound(parent, technique):
            needs["machine"] = target.machine
        unit = BUILD.unit(request, inputs=inputs, seed=self._seed, **needs)
        if technique.shares and not trains and self._executor.here:
            unit = msgspec.structs.replace(unit, checkpoints=self._statistics(parent))
        if trains:
            result = self._trained(self._training(unit, identity))
        else:
            result = self._executor.run(unit, self._stop, self._on_progress)
        built = result.values
        whole = built.details.get(COMPLETE, True)
        if not whole:  # not to be taken for what the whole training gives
            identity = _unfinished_id(identity, result.files)
        made = Artifact(identity, parent.id, step, built.format, result.files, built.options, built.details)
        self._store.artifacts.save(made)
        self._note(made)
        if trains and whole:
            forget_checkpoints(self._store, identity)
        return made

    def _statistics(self, parent: Artifact) -> Path:
        """Return the folder for what calibration found of `parent` on these data: it is swept up later."""
        data = self._data.id if self._data is not None else None
        return checkpoint_folder(self._store, digest("statistics", parent.id, data, self._seed)[:24])

    def _training(self, unit: WorkUnit[BuildRequest, Built], identity: str) -> WorkUnit[BuildRequest, Built]:
        """Return the unit of a pass that trains: from its checkpoints, with time left to measure."""
        if self._data is not None and self._data.origin == RANDOM:
            raise PassNotApplicable(
                "There is nothing to learn from: random inputs teach nothing of the task.",
                hint="Give some inputs of the task; labels are not needed.",
            )
        left, given = self._stop.remaining_s, self._training_s
        if given is None:
            left = min(left, get_settings().child_timeout_s)
            planned = TRAINING_SHARE * left
        else:
            planned = min(given, GIVEN_SHARE * left)
        grace = GRACE_SHARE * (left - planned) if left < math.inf else planned
        return msgspec.structs.replace(
            unit,
            parameters=msgspec.structs.replace(unit.parameters, grace_s=grace),
            inputs={**unit.inputs, TEACHER: self._model.files},
            checkpoints=checkpoint_folder(self._store, identity),
            deadline_s=planned + grace,
        )

    def _trained(self, unit: WorkUnit[BuildRequest, Built]) -> WorkResult[Built]:
        """Return what a training came to: where it was stopped early, the best weights it had kept."""
        try:
            with self._stop.training() as early:
                return self._executor.run(unit, early, self._on_progress)
        except (Cancelled, ChildTimeout):
            self._stop.check()
            if unit.checkpoints is None or not any(unit.checkpoints.iterdir()):
                raise
            request = msgspec.structs.replace(unit.parameters, finish=True)
            left = self._stop.remaining_s
            unit = msgspec.structs.replace(
                unit, parameters=request, deadline_s=left if left < math.inf else None
            )
            return self._executor.run(unit, self._stop, self._on_progress)

    def _note(self, artifact: Artifact) -> None:
        """Keep a training that was cut short for other recipes of the run: in another run it goes on."""
        if not artifact.details.get(COMPLETE, True):
            self._cut_short[artifact.id] = artifact

    def _unfinished(self, identity: str) -> Artifact | None:
        """Return what the run has of a training whose time was over: of this very one, machine and all."""
        noted = self._cut_short.values()
        return next((each for each in noted if each.id == _unfinished_id(identity, each.files)), None)
