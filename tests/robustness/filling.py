"""A command of a working process that meets a full disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def fill(payload: dict[str, Any]) -> dict[str, Any]:
    """Write to ``path``."""
    Path(payload["path"]).write_bytes(b"x")
    return {}


COMMANDS = {"fill": fill}
