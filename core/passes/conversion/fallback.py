"""Fallback of a conversion: the way that was preferred failed, and the next one was taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.finding import Figure, Finding, FindingKind


def fell_back(way: str, problems: Sequence[str]) -> dict[str, Any]:
    """Return the details on a conversion by `way` after others failed; nothing where none did.

    Args:
        way: What was taken.
        problems: What the ways before it said.
    """
    return {"fell_back": {"way": way, "problem": problems[0], "tried": len(problems)}} if problems else {}


def fallback_findings(name: str, details: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the fallback of the conversion `name`, if there was one."""
    told = details.get("fell_back")
    if told:
        yield Finding(
            "fell_back",
            FindingKind.WARNING,
            f"{name}: the conversion fell back to {told['way']}.",
            f"The way before it failed: {told['problem']}",
            "Other graphs come of it, often with more nodes and fewer fusions. Mend what the message names "
            "in the model's code, or compare it with a runtime that needs no conversion.",
            Figure(told["tried"], "ways failed"),
        )
