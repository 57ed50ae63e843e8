"""Packages of npm: a few files of each are kept, and nothing of them is run to install them."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import BackendMissing
from core.toolchains.lists import Toolchain

FILES = "files"
"""Folder of the environment in which they lie, by their own names."""
Run = Callable[[list[str]], tuple[int, Sequence[str]]]


def fetch(toolchain: Toolchain, folder: Path, run: Run) -> str:
    """Fetch what the list of `toolchain` names into `folder`; return why that failed, empty where not.

    Args:
        toolchain: With `files`.
        folder: Of its environment.
        run: Runs a program and returns its exit code and its lines.

    Raises:
        BackendMissing: npm is not installed.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise BackendMissing(
            f"{toolchain.name} comes from the npm registry, and npm is not installed.",
            hint="Install it, on Debian and Ubuntu: apt-get install npm",
        )
    for pin in toolchain.requirements:
        code, said = run([npm, "pack", pin.replace("==", "@"), "--pack-destination", str(folder)])
        if code:
            return " ".join(line for line in said if "error" in line.lower())
        for archive in folder.glob("*.tgz"):
            _extract(archive, toolchain.files, folder / FILES)
            archive.unlink()
    return missing(toolchain, folder)


def missing(toolchain: Toolchain, folder: Path) -> str:
    """Return which of its files are not there, in a sentence; empty where all are."""
    names = [Path(name).name for name in toolchain.files if not (folder / FILES / Path(name).name).is_file()]
    return f"it holds no {' and no '.join(names)}" if names else ""


def _extract(archive: Path, names: Sequence[str], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(archive) as packed:
        held = set(packed.getnames())
        for name in names:
            file = packed.extractfile(f"package/{name}") if f"package/{name}" in held else None
            if file is not None:
                (folder / Path(name).name).write_bytes(file.read())
