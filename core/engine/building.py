"""Build artifacts step by step; a prefix that is there already is not built again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.datasets.splits import FOR_BUILDING, Part
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact, Recipe, Step
from core.engine.described import built_of
from core.engine.jobs import Stop, job_folder, kept_file, run_task
from core.errors import PassNotApplicable
from core.optional import version
from core.params import make
from core.protocols import LocalArtifact, Pass
from core.registry import get_pass
from core.serde import digest, to_plain
from core.store.store import Store


def source_artifact(model: SourceModel) -> Artifact:
    """Return the uploaded model as the root of all artifacts."""
    return Artifact(model.id, None, None, model.format, model.files)


def artifact_id(parent: Artifact, technique: Pass, params: Any, data: DataSet | None, seed: int) -> str:
    """Return the id of what `technique` makes of `parent`: equal inputs give equal ids."""
    return digest(
        parent.id,
        technique.id,
        technique.version,
        to_plain(params),
        data.id if data is not None and technique.calibrates else None,
        seed,
        {module: version(module) for module in technique.libraries},
    )[:24]


def lay_out(store: Store, artifact: Artifact, folder: Path) -> LocalArtifact:
    """Lay the files of `artifact` out in `folder` for a working process."""
    folder.mkdir(parents=True, exist_ok=True)
    store.blobs.lay_out(artifact.files, folder)
    files = tuple(folder / file.name for file in artifact.files)
    return LocalArtifact(artifact.format, files[0], files, artifact.options, artifact.details)


def check(artifacts: Sequence[LocalArtifact], folder: Path, stop: Stop) -> None:
    """Look at artifacts in a fresh working process, as at uploads.

    Args:
        artifacts: Each in a folder of its own.
        folder: A job's folder; a new one in it is where the process may write.
        stop: Ends it early.

    Raises:
        InputError: They are unsafe or broken: what built them may have been taken over.
    """
    payload = {"artifacts": [{"format": each.format, "files": to_plain(each.files)} for each in artifacts]}
    reads = [each.path.parent for each in artifacts]
    run_task("core.sources.check", "check", payload, reads, folder / "check", stop)


def lay_out_data(store: Store, data: DataSet, folder: Path, parts: Sequence[Part]) -> Path:
    """Lay these `parts` of `data` out in a new `folder` for a working process, and return it.

    The others are not there to be read, whatever the process does.
    """
    folder.mkdir()
    store.blobs.lay_out([file for file in data.files if file.name.split("/")[0] in parts], folder)
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
    """

    def __init__(
        self,
        store: Store,
        model: SourceModel,
        data: DataSet | None,
        seed: int,
        stop: Stop,
        on_step: Callable[[str], None],
    ) -> None:
        self._store, self._model, self._data = store, model, data
        self._seed, self._stop, self._on_step = seed, stop, on_step

    def build(self, recipe: Recipe) -> Artifact:
        """Return the artifact of `recipe`, building what is missing.

        Raises:
            PassNotApplicable: A step cannot work on this model.
            WhetstoneError: A step failed; `Builder` leaves no trace of it.
        """
        artifact = source_artifact(self._model)
        for step in recipe.steps:
            artifact = self._step(artifact, step)
        return artifact

    def _step(self, parent: Artifact, step: Step) -> Artifact:
        technique = get_pass(step.pass_id)
        if parent.format not in technique.accepts:
            raise PassNotApplicable(
                f"{technique.name} takes {' or '.join(sorted(technique.accepts))}, not {parent.format}.",
                hint="Put an export before it.",
            )
        params = make(technique.Params, step.params)
        identity = artifact_id(parent, technique, params, self._data, self._seed)
        found = self._store.artifacts.find(identity)
        if found is not None:
            return found
        self._stop.check()
        self._on_step(step.pass_id)
        return self._run(identity, parent, step)

    def _run(self, identity: str, parent: Artifact, step: Step) -> Artifact:
        with job_folder(self._store) as folder:
            local = lay_out(self._store, parent, folder / "in")
            data = None
            if self._data is not None:
                data = lay_out_data(self._store, self._data, folder / "data", FOR_BUILDING)
            out = folder / "out"
            out.mkdir()
            payload = {
                "pass_id": step.pass_id,
                "params": step.params,
                "model": to_plain(self._model),
                "artifact": to_plain(local),
                "folder": str(out),
                "data": str(data) if data else None,
                "seed": self._seed,
                "threads": 2,
            }
            reads = [folder / "in", *([data] if data else [])]
            reply = run_task("core.passes.build", "build", payload, reads, out, self._stop)
            built = built_of(reply)
            left = [kept_file(out, name) for name in built.files]
            check([LocalArtifact(built.format, left[0], tuple(left))], folder, self._stop)
            files = tuple(self._store.blobs.add(*each) for each in zip(left, built.files, strict=True))
        made = Artifact(identity, parent.id, step, built.format, files, built.options, built.details)
        self._store.artifacts.save(made)
        return made
