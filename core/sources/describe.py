"""Inspection as a command of a working process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.archives.hard_links import link_or_copy
from core.protocols import InspectOptions
from core.serde import from_plain, to_plain
from core.sources.inspect import inspect_upload


def inspect(payload: dict[str, Any]) -> dict[str, Any]:
    """Describe an upload.

    Args:
        payload: ``path`` of the upload, ``folder`` to work in, ``options`` as plain `InspectOptions`, and in
            ``beside`` the names of files that belong to it and lie in its folder.

    Returns:
        ``model`` as plain `SourceModel`, and ``files``, names relative to ``folder``, the one to open first.

    Raises:
        InputError: As `inspect_upload` does.
    """
    folder = Path(payload["folder"])
    for name in payload.get("beside", ()):
        link_or_copy(Path(payload["path"]).parent / name, folder / name)
    options = from_plain(payload.get("options") or {}, InspectOptions)
    inspection = inspect_upload(Path(payload["path"]), folder, options)
    names = [file.relative_to(folder).as_posix() for file in inspection.files]
    return {"model": to_plain(inspection.model), "files": names}


def external(payload: dict[str, Any]) -> dict[str, Any]:
    """Return as ``files`` what the ONNX model at ``path`` needs beside it, relative to its folder."""
    from core.graphs.onnx.checks import external_files

    return {"files": external_files(Path(payload["path"]))}


COMMANDS = {"inspect": inspect, "external": external}
