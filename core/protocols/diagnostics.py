"""Diagnostics: each looks for one reason why a candidate is not faster, smaller or as accurate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.domain.finding import Finding
from core.domain.layer_errors import LayerErrors
from core.domain.measurement import Interval
from core.domain.model import SourceModel
from core.domain.profile import Profile
from core.domain.recipe import Artifact
from core.domain.run import Candidate, Limits, Result


@dataclass(frozen=True)
class Case:
    """A measured candidate and what is known of it.

    Attributes:
        candidate: The one to explain.
        result: What was measured of it.
        chain: Its artifact and those that it was made of, the source first.
        limits: Whose largest drop counts as no difference.
        control: The run's A/A speed-up: its baseline against itself.
        model: The source model; None where it is not known.
        others: The run's candidates on the same kind of machine, itself among them.
        details: What the last technique of each of these told of its part, by the candidate's id.
        profile: Its layers with their times; None where it was not profiled.
        layer_errors: The error behind each layer; None where nobody asked for it.
    """

    candidate: Candidate
    result: Result
    chain: Sequence[Artifact] = ()
    limits: Limits = field(default_factory=Limits)
    control: Interval | None = None
    model: SourceModel | None = None
    others: Sequence[Candidate] = ()
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    profile: Profile | None = None
    layer_errors: LayerErrors | None = None

    @property
    def is_baseline(self) -> bool:
        """Whether everything is held against it."""
        return self.candidate.position == 0

    @property
    def baseline(self) -> Result | None:
        """What was measured of the baseline."""
        return next((each.result for each in self.others if each.position == 0), None)


class Diagnostic(ABC):
    """Looks for one thing.

    Attributes:
        id: Stable name.
        order: Among findings of equal stake the smaller comes first.
    """

    id: ClassVar[str]
    order: ClassVar[int] = 100

    @abstractmethod
    def findings(self, case: Case) -> Iterable[Finding]:
        """Return what is worth knowing; nothing where the figures do not show it."""
