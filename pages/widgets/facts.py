"""Figures of a candidate in words, as hovering tells them."""

from __future__ import annotations

from core.domain.measurement import Doubt
from core.views import Row, agreement_name
from pages import format as fmt
from pages.widgets.measures import quality_of


def accuracy_words(row: Row) -> str:
    """Return the accuracy with its own interval and, for all but the baseline, the change with its own."""
    found = quality_of(row, "accuracy")
    if found is None:
        return fmt.NONE
    result, label = row.candidate.result, fmt.score_interval(found, row.scale)
    if not row.candidate.position or result is None:
        return label
    return f"{label}, {fmt.score_change(result.accuracy)}"


def hover_facts(row: Row) -> dict[str, str]:
    """Return everything worth reading about a measured row, by its label."""
    base, result = row.candidate.position == 0, row.candidate.result
    facts = {
        "Latency": fmt.milliseconds(row.latency_ms),
        "Speed-up": "1x" if base else fmt.times(row.speedup),
    }
    if row.accuracy is not None:
        facts[row.scale.label] = accuracy_words(row)
    elif row.agreement is not None or base:
        facts[agreement_name([row])] = "100 %" if base else fmt.agreement(row.agreement)
    if result is not None:
        name, value = fmt.closeness(result.fidelity)
        facts[name] = fmt.NONE if base else value
    facts |= {"File": fmt.size(row.size_bytes), "Memory": fmt.size(row.memory_bytes)}
    timing = result.timing if result is not None else None
    if timing is not None and timing.unstable:
        few = timing.doubt is Doubt.FEW_ROUNDS
        facts["Speed"] = f"unstable: {'too few rounds for the time' if few else 'the interval stayed wide'}"
    elif timing is not None:
        facts["Speed"] = "stable"
    return facts
