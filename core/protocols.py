"""Every extension contract. One implementation is one file that exports one constant.

    core/sources/*.py     SOURCE     one upload format           -> SourceModel
    core/datasets/*.py    DATASET    one data format             -> arrays
    core/passes/*.py      PASS       one technique               artifact -> artifact
    core/runtimes/*.py    RUNTIME    one way to run an artifact
    core/packagers/*.py   PACKAGER   one kind of download
    core/search/strategies/*.py   STRATEGY   one way to choose what to try next

Modules are imported by the page's process too: heavy libraries are imported inside functions.
Sources, data sets, passes and sessions do their work only in confined child processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from numpy.typing import NDArray

from core.domain.measurement import Environment
from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact, Recipe, Step, Target
from core.domain.run import Candidate, RunRequest, Trial

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


@dataclass(frozen=True)
class Prepared:
    """Rows that fit a model, before the split.

    Attributes:
        inputs: One array per model input, first axis the samples.
        labels: Class indices (samples,) int64, or None.
        classes: Class names in label order.
        preparation: What was done to the raw data, for the page.
    """

    inputs: Feed
    labels: Array | None
    classes: tuple[str, ...] = ()
    preparation: dict[str, str] = field(default_factory=dict)


class DataFormat(Protocol):
    """Reads one data format into rows that fit a model.

    `Params` is a frozen dataclass whose fields carry label, help and range in their metadata; all
    default to a guess from the model (``None`` or ``"auto"``).
    """

    id: ClassVar[str]
    name: ClassVar[str]
    order: ClassVar[int]
    Params: ClassVar[type[Any]]

    def recognizes(self, path: Path) -> bool:
        """Whether `path`, a file or folder, is of this format."""

    def prepare(self, path: Path, folder: Path, model: SourceModel, params: Any) -> Prepared:
        """Return rows in the model's layout, dtype and scale, working below `folder`.

        Raises:
            InputError: Corrupt data, or data that does not fit the model.
        """


@dataclass(frozen=True)
class TrainingRows:
    """Rows of one share of the data, to train on or to search by.

    Attributes:
        samples: How many rows there are.
        labelled: Whether batches come with labels.
        batches: Yields ``(feed, labels)`` for a batch size and a seed: in an order that the seed shuffles, or
            in their own order for None. Labels are class indices (rows,) int64, or None.
    """

    samples: int
    labelled: bool
    batches: Callable[[int, int | None], Iterator[tuple[Feed, Array | None]]]


@dataclass(frozen=True)
class Training:
    """What a pass that trains gets beside the rest of its context.

    A pass keeps its state in `checkpoints` now and then, by writing beside and renaming, and begins from what
    lies there: it may have been killed. At the deadline it returns its best so far, with the detail
    ``complete`` false; what is left in `checkpoints` then lets a later run go on from there.

    Attributes:
        rows: To learn from.
        search: To stop early and to choose weights by; never what figures are reported on.
        teacher: The uploaded model, for distillation.
        checkpoints: Folder that outlives the process; empty at first, removed once the artifact is kept.
        seconds_left: Returns the seconds to the deadline, infinite without one.
        report: Takes the steps done, the steps in all and named figures, such as ``{"loss": 0.41}``.
        device: Always ``cpu`` for now.
    """

    rows: TrainingRows
    search: TrainingRows
    teacher: LocalArtifact
    checkpoints: Path
    seconds_left: Callable[[], float]
    report: Callable[[int, int, Mapping[str, float]], None]
    device: str = "cpu"


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
    """

    model: SourceModel
    folder: Path
    calibration: Callable[[], Iterator[Feed]]
    seed: int = 0
    threads: int = 2
    training: Training | None = None


class Pass(Protocol):
    """One technique.

    Attributes:
        id: Stable name, such as ``int8_static_ort``.
        name: For people, such as ``INT8 static``.
        summary: One sentence on what it does and what it costs.
        version: Raise it when the output changes; it enters artifact ids.
        Params: Frozen dataclass with defaults; field metadata from `core.params.setting`.
        accepts: Formats it takes.
        produces: Format it returns, by format taken.
        calibrates: Whether it reads calibration data.
        fits: Whether what it builds follows from that data, such as ranges: random inputs then make a model
            that is not for real ones. Not where it only checks.
        converts: Whether it only changes a model's form (an export, a conversion, fused operators): names of
            recipes leave it out.
        libraries: Modules whose versions enter artifact ids.
        build_s: Seconds for a small model on two cores, imports included; and seconds more for every 10^9
            multiply-accumulates of a forward pass.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    version: ClassVar[int]
    Params: ClassVar[type[Any]]
    accepts: ClassVar[frozenset[str]]
    produces: ClassVar[Mapping[str, str]]
    calibrates: ClassVar[bool]
    fits: ClassVar[bool]
    converts: ClassVar[bool]
    libraries: ClassVar[tuple[str, ...]]
    build_s: ClassVar[tuple[float, float]]

    def requires(self, model: SourceModel, environment: Environment, params: Any) -> None:
        """Refuse, before any work and without opening the model, what cannot apply.

        Raises:
            PassNotApplicable: With the reason and what to do about it.
        """

    def run(self, context: PassContext, artifact: LocalArtifact, params: Any) -> LocalArtifact:
        """Build the new artifact in `context.folder`.

        Raises:
            PassNotApplicable: The graph has nothing this technique can work on.
            PassFailed: The technique broke on this model.
        """

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: Any) -> None:
        """Check what the pass promises, such as that quantized nodes are there.

        Raises:
            PassFailed: The promise is not kept.
        """


@runtime_checkable
class Opener(Protocol):
    """Enabling pass: makes other passes possible on an ONNX graph; says where it is worth trying.

    Attributes:
        alone: Whether recipes without it are worth no try then; else both are tried.
    """

    alone: ClassVar[bool]

    def opens(self, model: SourceModel) -> Step | None:
        """Return the step to put before other techniques on `model`, or None where it helps nothing."""


@runtime_checkable
class Trainer(Protocol):
    """A pass that trains, alone or after it changed the network: its context holds a `Training`.

    Attributes:
        trains: True.
    """

    trains: ClassVar[bool]


@dataclass(frozen=True)
class SearchContext:
    """What a strategy may look at beside the history.

    Attributes:
        request: Preset, recipes, limits and seed among others.
        model: The source model.
        environment: Of the machine.
        runtimes: Ids of the runtimes that may be used.
    """

    request: RunRequest
    model: SourceModel
    environment: Environment
    runtimes: tuple[str, ...]


class Strategy(Protocol):
    """Chooses what to try next.

    A strategy has no state: `propose` is a pure function of its arguments, so that a resumed run goes on as
    it would have. Every random choice follows from the request's seed and the history.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    Params: ClassVar[type[Any]]

    def propose(self, context: SearchContext, history: Sequence[Trial], params: Any) -> Recipe | None:
        """Return a recipe that is not in `history`, or None where nothing more is worth a try.

        It is asked again whenever a candidate became final. Before the run starts it is asked with a history
        of waiting candidates until it returns None: what it proposes then is known beforehand.

        Args:
            context: What the run is about.
            history: All candidates in their order, the baseline first.
            params: Of the type `Params`.

        Raises:
            InvalidRequest: The request names what does not exist.
        """

    def most(self, params: Any) -> int:
        """Return how many recipes it may add at most to those known beforehand."""


@dataclass(frozen=True)
class Availability:
    """Whether a runtime can be used here.

    Attributes:
        ok: It can.
        version: Of its library, empty where absent.
        reason: Why not.
        install: The line that installs it.
    """

    ok: bool
    version: str = ""
    reason: str = ""
    install: str = ""


class Session(Protocol):
    """A loaded model. Not shared between threads."""

    def run(self, feed: Feed) -> list[Array]:
        """Return the outputs in the model's order, for a feed of NumPy arrays."""

    def prepare(self, feed: Feed) -> Callable[[], object]:
        """Return a call that runs inference once on `feed`, already in the runtime's own tensors."""

    def close(self) -> None:
        """Free the model."""


class Runtime(Protocol):
    """One way to run artifacts.

    Attributes:
        formats: Artifact formats it opens.
        options: Artifact options it honours, such as ``{"precision"}``; others it must refuse.
        modules: Libraries that the runtime imports, the one that names its version first.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    formats: ClassVar[frozenset[str]]
    options: ClassVar[frozenset[str]]
    modules: ClassVar[tuple[str, ...]]

    def available(self) -> Availability:
        """Say whether this runtime can be used here, importing nothing heavy."""

    def warm_up(self) -> None:
        """Import the runtime's libraries, so that memory can be read with the runtime empty."""

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> Session:
        """Load `artifact`.

        Raises:
            RuntimeFailed: The runtime refuses it, with its own words shortened.
        """


@dataclass(frozen=True)
class Package:
    """What a packager needs to write a download.

    Attributes:
        model: The source model.
        candidate: A finished candidate.
        baseline: The finished baseline of the same run.
        artifact: The built files laid out in a folder.
        data: Data set the run used, which may be random inputs; None where it is not known.
        golden: ``.npz`` of a few feeds and what the candidate returned for them on its runtime when it
            was measured: ``input_<sample>_<index>``, ``output_<sample>_<index>``.
        golden_samples: How many.
        seed: Of every random choice in the run.
    """

    model: SourceModel
    candidate: Candidate
    baseline: Candidate
    artifact: LocalArtifact
    data: DataSet | None
    golden: Path
    golden_samples: int
    seed: int = 0


class Packager(Protocol):
    """Writes one kind of download."""

    id: ClassVar[str]
    name: ClassVar[str]
    suffix: ClassVar[str]

    def write(self, package: Package, path: Path) -> None:
        """Write the download to `path`, reproducibly."""
