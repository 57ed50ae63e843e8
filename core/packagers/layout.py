"""Where the files of a model lie in a download."""

from __future__ import annotations

from pathlib import Path

from core.protocols import LocalArtifact
from core.registry import get_format


def root_of(artifact: LocalArtifact) -> Path:
    """Return the folder that files are named from; a model that is a folder keeps its name in a download."""
    parent = artifact.path.parent
    return parent.parent if parent.suffix == get_format(artifact.format).suffix else parent


def opened(artifact: LocalArtifact) -> str:
    """Return the path of the file to open, from there."""
    return artifact.path.relative_to(root_of(artifact)).as_posix()
