"""What the layouts of model servers have in common: texts, the model where the server looks, its proof."""

from __future__ import annotations

import re
import zipfile
from abc import abstractmethod
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, StrictUndefined

from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.packagers.kit import PACKAGER as KIT
from core.packagers.kit import add_file, add_kit, add_proof
from core.packagers.layout import root_of
from core.protocols import LocalArtifact, Package, Packager

Files = Mapping[str, bytes | Path]


class ModelServer(Packager):
    """A kind of download that a model server, started elsewhere, loads from its folder."""

    suffix: ClassVar[str] = "zip"

    def requires(self, candidate: Candidate, artifact: Artifact) -> None:
        """Refuse what makes no kit.

        Raises:
            InvalidRequest: With the reason.
        """
        KIT.requires(candidate, artifact)

    def write(self, package: Package, path: Path, params: Any) -> None:
        """Write the zip; equal packages give equal bytes.

        Raises:
            InvalidRequest: The server cannot run this model, with the reason.
        """
        files = self.files(package, params)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in sorted(files.items()):
                add_file(archive, name, content)
            if folder := self.kit(package, params):
                add_kit(archive, package, folder)
            else:
                add_proof(archive, package, "proof/")

    @abstractmethod
    def files(self, package: Package, params: Any) -> Files:
        """Return every file but those of the kit, by name."""

    @abstractmethod
    def kit(self, package: Package, params: Any) -> str:
        """Return the kit's folder, with a slash at its end; empty where the server opens the model itself."""


def server_name(package: Package) -> str:
    """Return the model's name as folders and addresses may have it."""
    made = re.sub(r"[^a-z0-9]+", "_", package.model.name.lower())[:60].strip("_")
    return made if made[:1].isalpha() else f"model_{made}".strip("_")


def model_files(artifact: LocalArtifact) -> dict[str, Path]:
    """Return the files of a model by the names they know each other by."""
    root = root_of(artifact)
    return {file.relative_to(root).as_posix(): file for file in artifact.files}


def template(*names: str) -> str:
    """Return a file of the templates."""
    return resources.files("core.packagers").joinpath("templates", *names).read_text(encoding="utf8")


def filled(name: str, values: Mapping[str, Any]) -> str:
    """Return a template with its blanks filled in."""
    made = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    return made.from_string(template(*name.split("/"))).render(values)
