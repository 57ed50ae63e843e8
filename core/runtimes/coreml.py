"""Core ML, which Apple's systems run; elsewhere its packages are built and checked only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.protocols import Array, Availability, Feed, LocalArtifact, Runtime
from core.protocols.availability import availability
from core.runtimes.availability import as_numpy, check, runtime_errors

APPLE = "darwin"
NEEDED = "Core ML predicts on macOS, iOS and the like only."


class CoremlSession:
    """A loaded package, called by ``predict`` with a dictionary of arrays.

    Args:
        loaded: Of coremltools.
    """

    def __init__(self, loaded: Any) -> None:
        description = loaded.get_spec().description
        self._loaded = loaded
        self._inputs = [each.name for each in description.input]
        self._outputs = [each.name for each in description.output]

    def _given(self, feed: Feed) -> dict[str, Array]:
        pairs = zip(self._inputs, feed.values(), strict=True)
        return {name: np.asarray(array, _width(array)) for name, array in pairs}

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order.

        Raises:
            RuntimeFailed: Core ML refuses the feed.
        """
        with runtime_errors(Coreml.name, "run"):
            found = self._loaded.predict(self._given(feed))
            return as_numpy([found[name] for name in self._outputs])

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call on `feed`.

        Raises:
            RuntimeFailed: Core ML refuses the feed.
        """
        with runtime_errors(Coreml.name, "run"):
            given, loaded = self._given(feed), self._loaded
            loaded.predict(given)
        return lambda: loaded.predict(given)

    def close(self) -> None:
        """Free the package."""
        self._loaded = None


def _width(array: Array) -> type[np.generic]:
    """Return the type that Core ML takes for an array's: it has no wider ones, and no booleans."""
    return np.float32 if array.dtype.kind == "f" else np.int32


class Coreml(Runtime):
    """Core ML on a Mac."""

    id: ClassVar[str] = "coreml"
    name: ClassVar[str] = "Core ML"
    learn: ClassVar[Learn | None] = Learn(
        does="Apple's runtime compiles the package when it is first loaded, and gives each layer to the CPU, "
        "the GPU or the Neural Engine.",
        costs="Apple's devices only; which part computes what is the system's choice.",
        choose="For apps on iOS and macOS. A package built here is checked here and measured on a Mac by its "
        "kit.",
        expect="Fast and saving of power where the Neural Engine takes the layers, which asks for FP16",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"mlpackage"})
    modules: ClassVar[tuple[str, ...]] = ("coremltools",)
    start_s: ClassVar[float] = 3.0
    no_profile: ClassVar[str] = "Xcode shows the layers of a package with their times and what computes them."

    def available(self) -> Availability:
        """Say that it takes a Mac, and there coremltools."""
        if sys.platform != APPLE:
            told = f"{NEEDED} Run verify.py of the kit on a Mac with coremltools to measure it."
            return Availability(False, reason=told)
        return availability(self.modules)

    def warm_up(self) -> None:
        """Import coremltools."""
        import coremltools  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> CoremlSession:
        """Load a package; the system chooses its threads.

        Raises:
            RuntimeFailed: Wrong format or option, another system, or Core ML refuses the package.
        """
        check(self.name, artifact, self.formats, self.options)
        with runtime_errors(self.name, "open"):
            import coremltools

            if sys.platform != APPLE:
                raise OSError(NEEDED)
            return CoremlSession(coremltools.models.MLModel(str(artifact.path.parent)))


RUNTIME = Coreml()
