"""Building data sets in a confined working process, for `core.sandbox.process.Child`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.datasets.build import build
from core.domain.model import SourceModel
from core.serde import from_plain, to_plain


def build_command(payload: dict[str, Any]) -> dict[str, Any]:
    """Build a data set.

    Args:
        payload: ``path`` (None for random inputs), ``folder``, ``model`` as plain values, ``format`` (empty
            finds it), ``params``, ``seed``, and ``training``, a training set or None.

    Returns:
        ``data``, a plain `DataSet` without id and files, and ``files``, names below the folder.

    Raises:
        InputError: The data cannot be used.
    """
    path = payload.get("path")
    built = build(
        Path(path) if path else None,
        Path(payload["folder"]),
        from_plain(payload["model"], SourceModel),
        payload.get("params") or {},
        int(payload.get("seed", 0)),
        payload.get("format") or "",
        Path(payload["training"]) if payload.get("training") else None,
    )
    return {"data": to_plain(built.data), "files": list(built.files)}


COMMANDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"build": build_command}
