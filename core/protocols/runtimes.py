"""Runtimes: ways to run an artifact, and what a kit needs to do the same on another machine."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Protocol, runtime_checkable

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.profile import LayerProfile
from core.domain.recipe import Target
from core.domain.technique import Precision
from core.errors import RuntimeFailed
from core.protocols.artifacts import Array, Feed, LocalArtifact
from core.protocols.availability import Availability, availability
from core.protocols.ideas import Idea

TOLERANCES = MappingProxyType(
    {Precision.FP32: 1e-3, Precision.FP16: 0.02, Precision.BF16: 0.05, Precision.INT8: 0.1}
)
"""How far outputs may differ between machines, relative to their range. Other processors round and saturate
differently, and low precision makes those differences larger."""


@runtime_checkable
class ClockedCall(Protocol):
    """A call into another program that takes its times itself: the way there and back is no part of them."""

    def __call__(self) -> object:
        """Call once."""

    def times(self, calls: int, settle_ms: float) -> list[float]:
        """Return the milliseconds of each of `calls` calls, made after others for `settle_ms`."""


class Session(Protocol):
    """A loaded model. Not shared between threads."""

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order, for a feed of NumPy arrays."""

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call that runs inference once on `feed`, already in the runtime's own tensors.

        One that runs in another program is a `ClockedCall`.
        """

    def close(self) -> None:
        """Free the model."""


class ProfilingSession(Session, Protocol):
    """A loaded model whose runtime takes the time of each layer."""

    def start(self) -> None:
        """Forget the calls made so far, such as those to warm up."""

    def layers(self) -> tuple[LayerProfile, ...]:
        """Return the layers in the order in which they run, each with the mean milliseconds of a call.

        The mean is over the calls since `start` of what `prepare` returned last. Shares are left at 0.
        """


@dataclass(frozen=True)
class Tensor:
    """One value that a graph computes on its way.

    Attributes:
        position: Of the layer that computes it, in the order of the graph.
        layer: Name of that layer.
        operator: Of that layer.
        names: By any of which the same value is known in a graph that was made of this one.
        inputs: Positions of the tensors that it is computed from.
    """

    position: int
    layer: str
    operator: str
    names: frozenset[str]
    inputs: tuple[int, ...] = ()


class TensorSession(Protocol):
    """A model whose values between its layers can be looked at. What is quantized is read behind that.

    Attributes:
        tensors: What can be looked at, in the order of the graph, without what only moves or casts values.
    """

    tensors: Sequence[Tensor]

    def watch(self, tensors: Sequence[Tensor]) -> None:
        """Load the model so that `run` returns these."""

    def run(self, feed: Feed) -> list[Array]:
        """Return the values of what is watched, in its order, for a feed of NumPy arrays."""


class Runtime(ABC):
    """One way to run artifacts.

    Attributes:
        learn: What its page under Learn says; None for a runtime of the owner's that says nothing.
        formats: Artifact formats it opens.
        options: Artifact options it honours, such as ``{"precision"}``; others it must refuse.
        modules: Libraries that the runtime imports, the one that names its version first.
        baseline_of: Formats of uploads that their owners run on it today: the baseline.
        start_s: Seconds that its libraries take to import.
        tolerances: How far outputs may differ on another machine, relative to their range, by precision.
        asked_for: Whether only runs that name it take it: it stands for another place than this machine, such
            as a visitor's browser.
        browser: Whether it runs models in a browser: its process may start one, which is as confined as the
            process and has no network.
        kit_use: What the README of a kit says on its use besides, in Markdown.
        no_profile: Why it tells no times of its layers, as a sentence; empty where `open_profiled` works.
        no_tensors: Why it shows no values between layers, as a sentence; empty where `open_tensors` works.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    learn: ClassVar[Learn | None] = None
    formats: ClassVar[frozenset[str]]
    options: ClassVar[frozenset[str]] = frozenset()
    modules: ClassVar[tuple[str, ...]] = ()
    baseline_of: ClassVar[frozenset[str]] = frozenset()
    start_s: ClassVar[float] = 0.0
    tolerances: ClassVar[Mapping[Precision, float]] = TOLERANCES
    asked_for: ClassVar[bool] = False
    browser: ClassVar[bool] = False
    kit_use: ClassVar[str] = ""
    no_profile: ClassVar[str] = "This runtime gives no access to a profiler of layers."
    no_tensors: ClassVar[str] = "This runtime gives no access to the values between layers."

    def available(self) -> Availability:
        """Say whether this runtime can be used here, importing nothing heavy."""
        return availability(self.modules)

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the recipes without a technique that a preset should try on it: the bare conversion."""
        return ()

    def kit_session(self) -> str:
        """Return the Python file with which a kit loads its model: ``load()`` returns a function.

        It stands beside the runtime's own file, as ``<file>_kit.py``. It imports nothing of ours, reads
        ``manifest.json`` beside itself, and the function takes a feed and returns the list of outputs.
        """
        own = Path(inspect.getfile(type(self)))
        return own.with_name(f"{own.stem}_kit.py").read_text(encoding="utf8")

    def places(self) -> Mapping[str, Path]:
        """Return the files and folders that its process reads besides Python's and the system's.

        Each by the environment variable that tells the process of it, which knows no settings.
        """
        return {}

    def kit_files(self) -> Mapping[str, Path]:
        """Return what a kit holds besides its session, by name within the kit, such as a page.

        Such kits hold the golden samples as ``golden.json`` too.
        """
        return {}

    @abstractmethod
    def warm_up(self) -> None:
        """Import the runtime's libraries, so that memory can be read with the runtime empty."""

    @abstractmethod
    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> Session:
        """Load `artifact`.

        Raises:
            RuntimeFailed: The runtime refuses it, with its own words shortened.
        """

    def open_profiled(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> ProfilingSession:
        """Load `artifact` like `open`, with the runtime's profiler on.

        Raises:
            RuntimeFailed: It has no profiler, or the runtime refuses the artifact.
        """
        raise RuntimeFailed(
            f"{self.name} cannot be profiled: {self.no_profile}",
            hint="Profile a candidate on another runtime.",
        )

    def open_tensors(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TensorSession:
        """Read the graph of `artifact`, so that values between its layers can be looked at.

        Raises:
            RuntimeFailed: It shows none, or the runtime refuses the artifact.
        """
        raise RuntimeFailed(
            f"{self.name} cannot be looked into: {self.no_tensors}",
            hint="Choose a candidate on another runtime.",
        )
