"""What a run has built: its artifacts, and their files in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from core.domain.recipe import Artifact
from core.domain.run import Candidate, CandidateStatus
from core.engine.building import source_artifact
from core.errors import InvalidRequest
from core.registry import get_format, get_pass
from core.store.store import Store


def slug(text: str) -> str:
    """Return `text` as a file name: lower case, letters, digits, dots and dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "model"


def artifact_of(store: Store, candidate: Candidate) -> Artifact:
    """Return the artifact of a candidate.

    Raises:
        InvalidRequest: It was not built, or its files are where it was measured.
    """
    model = store.models.get(store.runs.get(candidate.run_id).request.model_id)
    if candidate.artifact_id == model.id:
        found: Artifact | None = source_artifact(model)
    else:
        found = store.artifacts.find(candidate.artifact_id) if candidate.artifact_id else None
    if found is None:
        raise InvalidRequest(f"{candidate.name} was not built.", hint="Choose a finished candidate.")
    if not found.files:
        raise InvalidRequest(
            f"The model of {candidate.name} was left where it was measured.",
            hint="Export the run there with its models, or run the recipe here.",
        )
    return found


def export(store: Store, run_id: str, folder: Path) -> dict[str, str]:
    """Copy every built artifact of a run below `folder`.

    Returns:
        The path of each candidate's file, relative to `folder`, by candidate id.
    """
    written = {}
    for candidate, artifact in built(store, run_id):
        for file in artifact.files:
            _copy(store.blobs.path(file.sha256), folder / artifact_folder(candidate, artifact) / file.name)
        written[candidate.id] = f"{artifact_folder(candidate, artifact)}/{artifact.files[0].name}"
    return written


def built(store: Store, run_id: str) -> Iterator[tuple[Candidate, Artifact]]:
    """Give the candidates of a run that were built to the end, each with its artifact."""
    usable = (CandidateStatus.DONE, CandidateStatus.UNMEASURED)
    return (
        (each, artifact_of(store, each)) for each in store.candidates.list(run_id) if each.status in usable
    )


def artifact_folder(candidate: Candidate, artifact: Artifact) -> str:
    """Return the folder of a candidate's files among those of its run: one for all kinds of machine.

    What is made for a kind of machine has one for each.
    """
    measures = any(get_pass(step.pass_id).measures for step in candidate.recipe.steps)
    bound = candidate.machine and (measures or get_format(artifact.format).machine_bound)
    kind = f"-{slug(candidate.machine)}" if bound else ""
    return f"artifacts/{candidate.position:02d}-{slug(candidate.name)}{kind}"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with source.open("rb") as reader, partial.open("wb") as writer:
        while block := reader.read(1 << 20):
            writer.write(block)
    partial.replace(target)
