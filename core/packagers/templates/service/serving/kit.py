"""One version of the model: a kit, opened by its own session.py and proven by its own verify.py."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from serving.inputs import Array, Feed

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
HERE = Path(__file__).resolve().parent.parent
MODELS = HERE / "models"


class Kit:
    """A loaded model.

    Args:
        folder: That the kit was unzipped to; its name is that of the version.

    Raises:
        RuntimeError: The kit is not whole, or gives other outputs here than where it was measured.
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf8"))
        self._verify, self.predict = _module(folder, "verify"), _module(folder, "predict")
        self._refuse(self._verify.check_hashes())
        self.run: Callable[[Feed], list[Array]] = _module(folder, "session").load()
        self._refuse(self._verify.check_outputs(self.run))

    @property
    def golden_samples(self) -> int:
        """How many golden inputs were run when it was loaded."""
        return int(self.manifest["golden_samples"])

    def golden(self) -> Iterator[tuple[Feed, list[Array]]]:
        """Give the golden inputs, each with the outputs of the measurement."""
        found: Iterator[tuple[Feed, list[Array]]] = self._verify.golden()
        return found

    def difference(self, ours: Array, theirs: Array) -> float:
        """Return the largest difference of two outputs, by their range."""
        return float(self._verify.difference(ours, theirs))

    def _refuse(self, problem: str | None) -> None:
        if problem is not None:
            raise RuntimeError(f"Version {self.name}: {problem}")


def versions_there() -> list[str]:
    """Return the names of the versions in the folder `models`, the oldest name first."""
    found = (path.parent.name for path in MODELS.glob("*/manifest.json"))
    return sorted(name for name in found if re.fullmatch(NAME, name))


def _module(folder: Path, name: str) -> Any:
    """Import a kit's script under a name of its own, so that versions do not share it."""
    spec = importlib.util.spec_from_file_location(f"kit_{folder.name}_{name}", folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{folder / name}.py cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
