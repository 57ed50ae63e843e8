"""External tensors of an ONNX upload: the names of the files beside it that hold its weights."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.work.output_files import file_names
from core.work.unit import Done, Job, Kind


class ExternalRequest(msgspec.Struct, frozen=True):
    """The ONNX file to look into; the unit `reads` it."""

    path: Path


class ExternalFiles(msgspec.Struct, frozen=True):
    """Names relative to the folder of the file."""

    names: list[str]


def external(request: ExternalRequest, _: Job) -> Done[ExternalFiles]:
    """Return what the model needs beside it."""
    from core.graphs.onnx.checks import external_files

    return Done(ExternalFiles(external_files(request.path)))


def accept(_: ExternalRequest, said: ExternalFiles) -> ExternalFiles:
    """Return names that can be, each once.

    Raises:
        UnsafeUpload: These are no names.
    """
    return ExternalFiles(file_names(said.names))


UNIT = Kind(__name__, "external files", ExternalRequest, ExternalFiles, external, accept=accept)
