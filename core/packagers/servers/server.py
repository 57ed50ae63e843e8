"""What the layouts of model servers have in common: texts, the model where the server looks, its proof."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.packagers.kit import PACKAGER as KIT
from core.packagers.kit import add_file, add_kit, add_proof
from core.packagers.layout import root_of
from core.params import setting
from core.protocols import LocalArtifact, Package, Packager


@dataclass(frozen=True)
class BatchingParams:
    """The option of servers that put requests together."""

    batching: bool = setting(
        True,
        "Dynamic batching",
        help="Requests that wait together run in one call, where the measured throughput gains by that.",
    )


class ModelServer(Packager):
    """A kind of download that a model server, started elsewhere, loads from its folder."""

    suffix: ClassVar[str] = "zip"

    def requires(self, candidate: Candidate, artifact: Artifact) -> None:
        """Refuse what makes no kit.

        Raises:
            InvalidRequest: With the reason.
        """
        KIT.requires(candidate, artifact)


def server_name(package: Package) -> str:
    """Return the model's name as folders and addresses may have it."""
    made = re.sub(r"[^a-z0-9]+", "_", package.model.name.lower())[:60].strip("_")
    return made if made[:1].isalpha() else f"model_{made}".strip("_")


def model_files(artifact: LocalArtifact) -> dict[str, Path]:
    """Return the files of a model by the names they know each other by."""
    root = root_of(artifact)
    return {file.relative_to(root).as_posix(): file for file in artifact.files}


def written(
    path: Path, texts: Mapping[str, str], files: Mapping[str, Path], package: Package, kit: str
) -> None:
    """Write the zip of a layout.

    Args:
        path: Where to.
        texts: By name.
        files: Likewise.
        package: Of the candidate.
        kit: Folder of its kit, with a slash at its end; empty for the proof alone.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in sorted(texts.items()):
            add_file(archive, name, text.encode())
        for name, file in sorted(files.items()):
            add_file(archive, name, file)
        if kit:
            add_kit(archive, package, kit)
        else:
            add_proof(archive, package, "proof/")
