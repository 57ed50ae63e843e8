"""A run as one file, to be taken elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.domain.accuracy_detail import AccuracyDetail
from core.domain.events import Event
from core.domain.layer_errors import LayerErrors
from core.domain.model import DataSet, SourceModel
from core.domain.profile import Profile
from core.domain.recipe import Artifact
from core.domain.run import Candidate, Run
from core.domain.sweep import Sweep

VERSION = 1


@dataclass(frozen=True)
class Extras:
    """What is known of a candidate beside its result, each as far as it was measured."""

    accuracy: AccuracyDetail | None = None
    layer_errors: LayerErrors | None = None
    profile: Profile | None = None
    sweep: Sweep | None = None


@dataclass(frozen=True)
class Bundle:
    """Everything of a run but the data and, unless they are asked for, the built models.

    Attributes:
        version: Of this form.
        run: Without its worker.
        model: Described, without its files.
        data: Described, without its files; None where inputs were random.
        candidates: With their results.
        artifacts: What was built, with what the techniques said of it; the files are there only on demand.
        events: What happened.
        extras: Details of candidates, by their ids.
    """

    version: int
    run: Run
    model: SourceModel
    data: DataSet | None
    candidates: tuple[Candidate, ...]
    artifacts: tuple[Artifact, ...] = ()
    events: tuple[Event, ...] = ()
    extras: dict[str, Extras] = field(default_factory=dict)
