"""Downloads besides kits: the bare model of a candidate, and all models of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.recipe import Artifact
from core.engine.building import check, lay_out
from core.engine.built import artifact_folder, artifact_of, built, slug
from core.engine.kits import stem
from core.errors import InvalidRequest
from core.packagers.streaming import stream_zip
from core.store.store import Store
from core.work.folders import job_folder


@dataclass(frozen=True)
class Download:
    """Files under one name.

    Attributes:
        name: File name to save it under; a zip unless `single`.
        files: Name inside the zip, and the file or its content.
    """

    name: str
    files: tuple[tuple[str, Path | bytes], ...]

    @property
    def single(self) -> Path | None:
        """The file that is sent as it is, or None for a zip."""
        (_, first), *more = self.files
        return None if more or isinstance(first, bytes) else first

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(
            len(content) if isinstance(content, bytes) else content.stat().st_size
            for _, content in self.files
        )

    def stream(self) -> Iterator[bytes]:
        """Give the zip piece by piece, made while it is sent."""
        return stream_zip(self.files)


def model_download(store: Store, candidate_id: str) -> Download:
    """Return the bare model file of a candidate; a zip of them where its format has several.

    Raises:
        NotFound: There is no such candidate.
        InvalidRequest: It was not built.
        UnsafeUpload: Its files are not what an upload may be.
    """
    candidate = store.candidates.get(candidate_id)
    artifact, name = artifact_of(store, candidate), stem(store, candidate)
    _check(store, [artifact])
    if len(artifact.files) == 1:
        (file,) = artifact.files
        return Download(f"{name}{Path(file.name).suffix}", ((file.name, store.blobs.path(file)),))
    # A kit of the same candidate is named without the word.
    return Download(f"{name}-model.zip", _files(store, artifact, name))


def run_download(store: Store, run_id: str, results: Callable[[dict[str, str]], bytes]) -> Download:
    """Return all models of a run that were measured, as `export` lays them out.

    Args:
        store: Holds the run.
        run_id: Its id.
        results: Returns the content of ``results.json``, given each candidate's file by its id.

    Raises:
        NotFound: There is no such run.
        InvalidRequest: Nothing was measured yet.
        UnsafeUpload: Files are not what an upload may be.
    """
    run = store.runs.get(run_id)
    found = list(built(store, run_id))
    if not found:
        raise InvalidRequest("No candidate of this run was measured.", hint="Wait for the first result.")
    _check(store, [artifact for _, artifact in found])
    models = [
        each
        for candidate, artifact in found
        for each in _files(store, artifact, artifact_folder(candidate, artifact))
    ]
    model = store.models.get(run.request.model_id)
    paths = {
        candidate.id: f"{artifact_folder(candidate, artifact)}/{artifact.files[0].name}"
        for candidate, artifact in found
    }
    # What is not bound to a machine is the same file on every kind.
    models = list(dict.fromkeys(models))
    return Download(f"{slug(model.name)}-{run.id}.zip", (("results.json", results(paths)), *models))


def _files(store: Store, artifact: Artifact, folder: str) -> tuple[tuple[str, Path], ...]:
    return tuple((f"{folder}/{file.name}", store.blobs.path(file)) for file in artifact.files)


def _check(store: Store, artifacts: Sequence[Artifact]) -> None:
    with job_folder(store.jobs_dir) as folder:
        laid = [lay_out(store, each, folder / "models" / str(n)) for n, each in enumerate(artifacts)]
        check(store, laid)
