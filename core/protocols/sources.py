"""Upload formats: recognized by content, described without their weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from core.domain.model import SourceModel


@dataclass(frozen=True)
class InspectOptions:
    """What a person may state about an upload.

    Attributes:
        name: Display name; empty takes the file's.
        architecture: Name of the architecture of a state dict; empty finds it.
        shapes: Chosen example shape by input name, such as ``{"input": (1, 3, 224, 224)}``.
        task: One of `core.domain.model.TASKS`; empty guesses it.
        build: For a model with code of its own: the call that builds it, such as ``Net(width=32)``.
    """

    name: str = ""
    architecture: str = ""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    task: str = ""
    build: str = ""


@dataclass(frozen=True)
class Inspection:
    """What a source found: the description and the files to keep.

    Attributes:
        model: Description; `id`, `files` and `sha256` are filled in by the engine.
        files: Paths below the job's folder to keep, the one to open first.
    """

    model: SourceModel
    files: tuple[Path, ...]


class Source(Protocol):
    """Reads one upload format. Recognition is by content and opens nothing that could run code."""

    id: ClassVar[str]
    name: ClassVar[str]
    order: ClassVar[int]

    def recognizes(self, path: Path) -> bool:
        """Whether the content of `path` is of this format."""

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Describe the model at `path`, working below `folder`.

        Raises:
            InputError: The file is corrupt, unsafe or cannot be worked with.
        """
