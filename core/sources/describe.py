"""Inspection of an upload in a confined process."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.archives.hard_links import link_or_copy
from core.domain.model import SourceModel
from core.protocols import InspectOptions
from core.sources.inspect import inspect_upload
from core.sources.validation import accepted_model
from core.work.unit import Done, Job, Kind


class InspectRequest(msgspec.Struct, frozen=True):
    """What to describe; the unit `reads` the upload and what lies beside it.

    Attributes:
        path: The upload.
        options: What the person stated.
        beside: Names of files that belong to it and lie in its folder.
    """

    path: Path
    options: InspectOptions
    beside: tuple[str, ...] = ()


class Described(msgspec.Struct, frozen=True):
    """The model; its files are those that the unit left, the one to open first."""

    model: SourceModel


def inspect(request: InspectRequest, job: Job) -> Done[Described]:
    """Describe an upload.

    Raises:
        InputError: As `inspect_upload` does.
    """
    for name in request.beside:
        link_or_copy(request.path.parent / name, job.folder / name)
    found = inspect_upload(request.path, job.folder, request.options)
    return Done(Described(found.model), found.files)


def accept(_: InspectRequest, said: Described) -> Described:
    """Return the description in plain texts and figures, see `accepted_model`."""
    return Described(accepted_model(said.model))


UNIT = Kind(__name__, "inspect", InspectRequest, Described, inspect, leaves_files=True, accept=accept)
