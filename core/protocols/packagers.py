"""Packagers: kinds of download that a measured candidate can be taken home in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from core.domain.model import DataSet, SourceModel
from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.domain.service import Trial
from core.domain.sweep import Sweep
from core.domain.technique import NoParams
from core.protocols.artifacts import LocalArtifact
from core.protocols.availability import Availability, availability
from core.protocols.services import Dialect


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
        recipe: The candidate's recipe as a recipe file, with every parameter that was used.
        seed: Of every random choice in the run.
        original: The model before it was optimized, where the packager asked for it.
        sweep: What was measured at other batch sizes and threads; None where nothing was.
        trial: What came of starting this service; None where it is none, or was not tried.
        files: What the runtime puts into its kits, by name within the kit, see `Runtime.kit_files`.
        reference: What is watched of predictions, on the evaluation data; None where not wanted or known.
        second: Another candidate of the same run, where the packager asked for one.
    """

    model: SourceModel
    candidate: Candidate
    baseline: Candidate
    artifact: LocalArtifact
    data: DataSet | None
    golden: Path
    golden_samples: int
    recipe: str
    seed: int = 0
    original: Package | None = None
    sweep: Sweep | None = None
    trial: Trial | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    reference: Path | None = None
    second: Package | None = None


class Packager(ABC):
    """Writes one kind of download.

    Attributes:
        id: Stable name; it stands in addresses and on the command line.
        name: For people, such as ``Kit``.
        summary: One sentence on what is in it and whom it is for.
        suffix: Of the file, without a dot.
        use: What to do with the file, as the end of a sentence.
        order: The smallest is what is offered first.
        modules: Libraries that it needs here to write one.
        serves: Protocols that it answers once it is started, the first of which a trial loads; none for what
            is no service. The zip of a service holds `serve.py`, whose ``start(descriptor)`` serves HTTP on a
            listening socket in the background and returns what ends it; where one of them is over gRPC,
            ``start(descriptor, port)`` serves that on a port of the loopback, too. It holds `app.py`, whose
            ``service.kit`` is the loaded model, and the kit in `models/v1`.
        elsewhere: Of what a program of its own serves, which no trial starts here: why, and what proves it
            where it runs, in sentences. Empty otherwise.
        Params: Frozen dataclass with defaults; field metadata from `core.params.setting`.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    suffix: ClassVar[str]
    use: ClassVar[str] = ""
    order: ClassVar[int] = 100
    modules: ClassVar[tuple[str, ...]] = ()
    serves: ClassVar[tuple[Dialect, ...]] = ()
    elsewhere: ClassVar[str] = ""
    Params: ClassVar[type[Any]] = NoParams

    @property
    def deploys(self) -> bool:
        """Whether it makes a running service of a model, here or elsewhere."""
        return bool(self.serves or self.elsewhere)

    def available(self) -> Availability:
        """Say whether such downloads can be written here."""
        return availability(self.modules)

    def requires(self, candidate: Candidate, artifact: Artifact) -> None:  # noqa: B027
        """Refuse, before any work, a candidate that cannot be taken home like this; nothing by default.

        Raises:
            InvalidRequest: With the reason and what to do.
        """

    def can_run(self, params: Any) -> Availability:
        """Say whether a service with these options can be started here, importing nothing heavy."""
        return self.available()

    def needs_original(self, params: Any) -> bool:
        """Whether the model before it was optimized belongs into the download, see `Package.original`."""
        return False

    def second(self, params: Any) -> str:
        """Return the id of another candidate that belongs into the download, see `Package.second`."""
        return ""

    def needs_reference(self, params: Any) -> bool:
        """Whether predictions on the evaluation data belong into the download, see `Package.reference`."""
        return False

    @abstractmethod
    def write(self, package: Package, path: Path, params: Any) -> None:
        """Write the download to `path`, reproducibly."""
