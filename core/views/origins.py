"""Speed-up attribution (ablation): what the runtime and each technique contribute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain.measurement import Interval
from core.domain.recipe import Recipe, Step
from core.search.names import is_named, step_name
from core.views.pairs import quotient
from core.views.rows import Row


@dataclass(frozen=True)
class Origin:
    """One stretch of the way from the uploaded model to a candidate.

    Attributes:
        what: Was changed on this stretch.
        row: The measured candidate at its end.
        factor: How much faster that is than the candidate at its beginning.
    """

    what: str
    row: Row
    factor: Interval


def _techniques(recipe: Recipe) -> tuple[Step, ...]:
    """Return the steps that change the network; those that only bring it into another format are left out."""
    return tuple(step for step in recipe.steps if is_named(step))


def _factor(before: Row, after: Row) -> Interval:
    """Return the quotient of two speed-ups; their relative errors add up as those of independent figures."""
    one, two = before.speedup, after.speedup
    if one is None or two is None:
        raise ValueError("Both must be measured.")
    return two if before.candidate.position == 0 else quotient(two, one)


def _ways(row: Row, everyone: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Yield the measured relatives on the candidate's own runtime that lead to it, and what each added."""
    target, mine = row.candidate.recipe.target, _techniques(row.candidate.recipe)
    here = [row for row in everyone if row.latency_ms and row.candidate.recipe.target == target]
    known = [(_techniques(each.candidate.recipe), each) for each in here]
    taken = 0
    for count in range(len(mine)):
        found = next((each for steps, each in known if steps == mine[:count]), None)
        if found is not None:
            yield _what(mine[taken:count], row), found
            taken = count
    yield _what(mine[taken:], row), row


def _what(steps: Sequence[Step], row: Row) -> str:
    return " + ".join(step_name(step) for step in steps) or f"{row.runtime} instead"


def origins(row: Row, everyone: Sequence[Row]) -> tuple[Origin, ...]:
    """Return what made a candidate faster or slower than the uploaded model, stretch by stretch.

    The way leads over measured candidates of the same run: the same network on the same runtime first, then
    one technique after the other. Stretches that nothing measured separates are one.

    Args:
        row: A measured candidate.
        everyone: All rows of its run, the baseline first.

    Returns:
        At least two stretches; nothing where the way cannot be divided.
    """
    if row.candidate.position == 0 or row.speedup is None or everyone[0].speedup is None:
        return ()
    found: list[Origin] = []
    before = everyone[0]
    for what, after in _ways(row, everyone):
        if after.candidate.position:
            found.append(Origin(what, after, _factor(before, after)))
            before = after
    return tuple(found) if len(found) > 1 else ()
