"""Runs on the command line: by their id, or by the folder that `optimize --out` wrote."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import InvalidRequest

LARGEST = 64 * 1024 * 1024


def run_id(text: str) -> str:
    """Return the id of the run that `text` names: itself, or that of the results in a folder.

    Raises:
        InvalidRequest: The folder holds no results of a run.
    """
    folder = Path(text)
    if not folder.is_dir():
        return text
    file = folder / "results.json"
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError
        found = json.loads(file.read_text())["run"]["id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(
            f"The folder {folder} holds no results of a run.",
            hint="Give the id that `runs` lists, or the folder that `optimize --out` wrote.",
        ) from error
    return str(found)
