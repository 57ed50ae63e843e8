"""Passes: one technique each, artifact to artifact. A pass states what differs from the defaults here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step, Target
from core.domain.run import Result
from core.domain.technique import Kind, NoParams, Precision
from core.protocols.artifacts import Feed, LocalArtifact
from core.protocols.ideas import Idea
from core.protocols.training import Training, TrainingRows


@dataclass(frozen=True)
class PassContext:
    """What a pass may use; the rows that figures are reported on are not among it.

    Attributes:
        model: The source model; example shapes come from here.
        folder: Where output files go; empty at the start.
        calibration: Returns a fresh iterator over batch-1 feeds (or fixed-batch feeds).
        seed: For every random choice.
        threads: Threads the pass may use.
        training: For a pass that trains (see `Trainer`), None for all others.
        search: Rows to choose by, with labels where there are some: sensitivity, how much is too much. None
            without data of the person's own, or where these are too few.
        statistics: For a pass that calibrates: a folder that builds on the same artifact and data share, for
            what takes a pass over the data; None where there is none.
        target: Runtime, threads and batch that a pass that measures (see `Pass.measures`) builds for, None
            for all others.
    """

    model: SourceModel
    folder: Path
    calibration: Callable[[], Iterator[Feed]]
    seed: int = 0
    threads: int = 2
    training: Training | None = None
    search: TrainingRows | None = None
    target: Target | None = None
    statistics: Path | None = None


class Pass(ABC):
    """One technique.

    Attributes:
        id: Stable name, such as ``int8_static_ort``.
        name: For people, such as ``INT8 static``.
        summary: One sentence on what it does and what it costs.
        learn: What its page under Learn says; None for a technique of the owner's that says nothing.
        kind: What it does to a model.
        produces: Format it returns, by each format it takes.
        version: Raise it when the output changes; it enters artifact ids.
        Params: Frozen dataclass with defaults; field metadata from `core.params.setting`.
        precision: The lowest one that it leaves; None where it stays what it was. Where parameters choose it,
            see `leaves`.
        calibrates: Whether it reads calibration data.
        fits: Whether what it builds follows from that data, such as ranges: random inputs then make a model
            that is not for real ones. Not where it only checks.
        searches: Whether what it builds follows from the rows to search by: they then enter artifact ids.
        shares: Whether it calibrates by statistics that other settings of it may need again:
            its context then has a folder for them.
        measures: Whether what it builds follows from times measured on the machine: the machine and the
            target then enter artifact ids, and the machine is its alone while it builds.
        converts: Whether it only changes a model's form (an export, a conversion, fused operators): names of
            recipes leave it out.
        bridges: Whether it is put in by itself wherever a technique or a runtime needs another format.
        leads_back: Of one that bridges: whether it is put in only right before a technique that takes what it
            makes and not what is there, and never for a runtime, which the files before it serve better.
        on_source: Whether it works on the network itself and comes before exports; others come after them.
        libraries: Modules whose versions enter artifact ids.
        toolchain: Name of the environment that it runs in, see `core.toolchains`, for libraries that clash
            with ours; its list then enters artifact ids. Empty for our own.
        compiles: Whether it starts the C++ compiler, which its process may otherwise not.
        starts: Native programs of packages that it starts, such as ``pnnx/pnnx``, which its process may
            otherwise not.
        build_s: Seconds for a small model on two cores, imports included; and seconds more for every 10^9
            multiply-accumulates of a forward pass. A first guess: builds that were seen correct it.
        weights_held: Copies of the model's weights that building holds at once, roughly: what would not fit
            into memory is refused.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    learn: ClassVar[Learn | None] = None
    kind: ClassVar[Kind]
    produces: ClassVar[Mapping[str, str]]
    version: ClassVar[int] = 1
    Params: ClassVar[type[Any]] = NoParams
    precision: ClassVar[Precision | None] = None
    calibrates: ClassVar[bool] = False
    fits: ClassVar[bool] = False
    searches: ClassVar[bool] = False
    shares: ClassVar[bool] = False
    measures: ClassVar[bool] = False
    converts: ClassVar[bool] = False
    bridges: ClassVar[bool] = False
    leads_back: ClassVar[bool] = False
    on_source: ClassVar[bool] = False
    libraries: ClassVar[tuple[str, ...]] = ()
    toolchain: ClassVar[str] = ""
    compiles: ClassVar[bool] = False
    starts: ClassVar[tuple[str, ...]] = ()
    build_s: ClassVar[tuple[float, float]] = (2.0, 0.5)
    weights_held: ClassVar[float] = 2.5

    @property
    def accepts(self) -> frozenset[str]:
        """Formats it takes."""
        return frozenset(self.produces)

    def requires(self, model: SourceModel, environment: Environment, params: Any) -> None:  # noqa: B027
        """Refuse, before any work and without opening the model, what cannot apply; nothing by default.

        Raises:
            PassNotApplicable: With the reason and what to do about it.
        """

    def leaves(self, params: Mapping[str, Any]) -> Precision | None:
        """Return the lowest precision that it leaves with `params`; None where it stays what it was."""
        return self.precision

    @abstractmethod
    def run(self, context: PassContext, artifact: LocalArtifact, params: Any) -> LocalArtifact:
        """Build the new artifact in `context.folder`.

        Raises:
            PassNotApplicable: The graph has nothing this technique can work on.
            PassFailed: The technique broke on this model.
        """

    @abstractmethod
    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Any) -> None:
        """Check what the pass promises, such as that quantized nodes are there.

        Raises:
            PassFailed: The promise is not kept.
        """

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the recipes with it that a preset should try for such a model on such a machine."""
        return ()

    def finest(self) -> Step | None:
        """Return the step that quantizes most accurately, for the one technique that does.

        Ideas that change a network and quantize it then ask for it by `Idea.quantized`.
        """
        return None

    def remainder(self, environment: Environment) -> Step | None:
        """Return the step that lowers the precision of what others left in float, where the machine gains."""
        return None

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        """Return what explains the figures of a candidate that it took part in.

        Args:
            details: What it did to the model, as `run` returned it; empty where that is not known any more.
            result: Everything measured.
        """
        return ()


class Opener(Pass):
    """Enabling pass: makes other passes possible, and says itself on which models it is worth trying.

    Attributes:
        alone: Whether recipes without it are worth no try then; else both are tried.
    """

    alone: ClassVar[bool] = False

    @abstractmethod
    def opens(self, model: SourceModel) -> Step | None:
        """Return the step to put before other techniques on `model`, or None where it helps nothing."""


class Trainer(Pass):
    """A pass that trains, alone or after it changed the network: its context holds a `Training`."""

    searches = True
