"""Runs toy models in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Feed, LocalArtifact, Runtime

KIT = '''"""Load the model on NumPy."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import numpy as np

    manifest = json.loads((HERE / "manifest.json").read_text())
    weights = np.load(HERE / manifest["model"])["toy_weights"]
    return lambda feed: [feed["x"] @ weights]
'''


class ToySession:
    def __init__(self, weights: Array) -> None:
        self._weights = weights

    def run(self, feed: Feed) -> list[Array]:
        return [feed["x"] @ self._weights]

    def prepare(self, feed: Feed) -> Callable[[], object]:
        return lambda: self.run(feed)

    def close(self) -> None:
        pass


class Toy(Runtime):
    id: ClassVar[str] = "toy"
    name: ClassVar[str] = "Toy NumPy"
    formats: ClassVar[frozenset[str]] = frozenset({"toy"})
    modules: ClassVar[tuple[str, ...]] = ("numpy",)
    baseline_of: ClassVar[frozenset[str]] = frozenset({"toy"})

    def warm_up(self) -> None:
        pass

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> ToySession:
        return ToySession(np.load(artifact.path, allow_pickle=False)["toy_weights"])

    def kit_session(self) -> str:
        return KIT


RUNTIME = Toy()
