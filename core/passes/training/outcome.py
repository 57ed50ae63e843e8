"""What came of a training: said to people, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.domain.finding import Figure, Finding, FindingKind
from core.errors import PassFailed
from core.passes.training.lesson import ACCURACY, AGREEMENT, LOSS

HINT = "Leave this step out, or give more data to learn from."


def findings(name: str, details: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what a training gained, on rows that no figure is reported on."""
    before, after = details.get("before"), details.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    words = {ACCURACY: "accuracy", AGREEMENT: "agreement with your model"}
    shown = next((key for key in words if key in before and key in after), None)
    gained = f"{name}: {details.get('steps', 0):,} steps in {details.get('seconds', 0):,.0f} s"
    if shown is None:
        seen = f"{gained} took the loss on the search rows from {before[LOSS]:.3g} to {after[LOSS]:.3g}."
        figure = Figure(after[LOSS] - before[LOSS])
    else:
        low, high = (f"{100 * each[shown]:.1f} %" for each in (before, after))
        seen = f"{gained} took the {words[shown]} on the search rows from {low} to {high}."
        figure = Figure(100 * (after[shown] - before[shown]), "points")
    yield Finding("trained", FindingKind.NOTE, seen, figure=figure)
    if details.get("complete") is False:
        yield Finding(
            "training_ended_early",
            FindingKind.NOTE,
            f"{name} was ended early by the time there was.",
            advice="With a longer budget it may gain more.",
            figure=Figure(details.get("steps", 0), "steps"),
        )


def require_better(details: Mapping[str, Any]) -> None:
    """Refuse what reads the search rows worse than before.

    Raises:
        PassFailed: It does.
    """
    if not details["after"][LOSS] <= details["before"][LOSS]:
        raise PassFailed("The training made the network worse.", hint=HINT)
