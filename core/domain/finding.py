"""One observation on a measured candidate, in three parts: what was seen, why, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.domain.recipe import Recipe

MS = "ms"
"""Unit of a stake in time of one call; any other unit of a stake is one of quality."""
POINTS = "points"


class FindingKind(StrEnum):
    """How a finding is meant."""

    GOOD = "good"
    """Nothing to worry about."""
    NOTE = "note"
    """Good to know."""
    WARNING = "warning"
    """Costs time or quality, or casts doubt on the figures."""


@dataclass(frozen=True)
class Figure:
    """A number with its unit, such as 31 ``%``, 0.42 ``ms`` or 3 ``layers``."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        if self.unit == MS and 0 < self.value < 0.1:
            return f"{1000 * self.value:.3g} µs"
        number = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.3g}"
        return number + (f" {self.unit}" if self.unit not in ("", "x") else self.unit)


@dataclass(frozen=True)
class Finding:
    """One observation.

    Attributes:
        id: What kind of observation it is, such as ``float_layers``.
        kind: How it is meant.
        seen: What was seen, with its figure, in a sentence.
        why: What that means or where it comes from; empty where `seen` says it.
        advice: What to do about it; empty where there is nothing to do.
        figure: The number that it rests on.
        stake: What acting on it can gain at most: milliseconds of one call, or points of quality. None where
            that is not known.
        recipe: Another candidate that is worth a try because of it.
    """

    id: str
    kind: FindingKind
    seen: str
    why: str = ""
    advice: str = ""
    figure: Figure | None = None
    stake: Figure | None = None
    recipe: Recipe | None = None

    @property
    def message(self) -> str:
        """All three parts."""
        return " ".join(part for part in (self.seen, self.why, self.advice) if part)
