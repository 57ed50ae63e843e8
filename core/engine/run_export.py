"""A run as one file for another installation: figures and recipes, built models on demand, never the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.domain.bundle import VERSION, Bundle, Extras
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.engine.built import slug
from core.engine.downloads import Download
from core.engine.extras import extras_of
from core.errors import ErrorRecord, InvalidRequest, NotFound
from core.serde import to_json
from core.store.store import Store

DOCUMENT = "run.json"
FILES = "files"
SUFFIX = ".whetstone.zip"


def exported_run(store: Store, run_id: str, models: bool = False) -> Download:
    """Return a run as one zip.

    Args:
        store: Holds the run.
        run_id: Its id.
        models: Whether the built models go with it. The data, and outputs on it, never do.

    Raises:
        NotFound: There is no such run.
        InvalidRequest: It is still going on.
    """
    run = store.runs.get(run_id)
    if run.status.active:
        raise InvalidRequest(f"The run is {run.status}.", hint="Wait until it ends, or cancel it.")
    candidates = store.candidates.list(run_id)
    artifacts = tuple({each.id: each for each in _artifacts(store, candidates)}.values())
    data = store.data.get(run.request.data_id) if run.request.data_id else None
    bundle = Bundle(
        VERSION,
        replace(run, worker=None, heartbeat=None, owner="", tags=(), notes="", error=_told(run.error)),
        replace(store.models.get(run.request.model_id), files=()),
        data and replace(data, files=()),
        tuple(map(_bare, candidates)),
        artifacts if models else tuple(replace(each, files=()) for each in artifacts),
        store.events.since(run_id),
        {each.id: found for each in candidates if (found := extras_of(store, each.id)) != Extras()},
    )
    files: list[tuple[str, Path | bytes]] = [(DOCUMENT, to_json(bundle).encode())]
    if models:
        known = {file.sha256: file for each in artifacts for file in each.files}
        files += [(f"{FILES}/{sha256}", store.blobs.path(file)) for sha256, file in known.items()]
    return Download(f"{slug(run.name)}-{run.id}{SUFFIX}", tuple(files))


def _bare(candidate: Candidate) -> Candidate:
    return replace(candidate, error=_told(candidate.error))


def _told(error: ErrorRecord | None) -> ErrorRecord | None:
    """Return an error without its traceback, which names places on this machine."""
    return None if error is None else replace(error, traceback="")


def _artifacts(store: Store, candidates: tuple[Candidate, ...]) -> Iterator[Artifact]:
    for each in candidates:
        id = each.artifact_id
        while id is not None:
            try:
                artifact = store.artifacts.get(id)
            except NotFound:
                break
            yield artifact
            id = artifact.parent
