"""Arrays and artifacts as working processes see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from core.domain.recipe import Artifact

Array = NDArray[Any]
Feed = dict[str, Array]


@dataclass(frozen=True)
class LocalArtifact:
    """An artifact laid out in a folder, as working processes see it.

    Attributes:
        format: As in `core.domain.recipe.Artifact`.
        path: The file to open.
        files: All files, `path` first.
        options: How a runtime must open it.
        details: What the pass did.
    """

    format: str
    path: Path
    files: tuple[Path, ...]
    options: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, artifact: Artifact, folder: Path) -> LocalArtifact:
        """Return `artifact` as its files lie in `folder`."""
        files = tuple(folder / file.name for file in artifact.files)
        return cls(artifact.format, files[0], files, artifact.options, artifact.details)
