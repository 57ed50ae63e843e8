"""What may work where candidates failed or were left out, as requests for a run of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.domain.recipe import Recipe, Step
from core.domain.run import CandidateStatus, RunRequest
from core.registry import get_pass, passes, runtimes
from core.search.names import pass_name
from core.search.paths import path_to
from core.views.rows import Row
from core.views.run import RunView

OUT_OF_TIME = ("over_budget", "child_timeout")


@dataclass(frozen=True)
class Remedy:
    """Another try.

    Attributes:
        label: What is tried, for a button.
        request: The run that tries it, with the other settings of the run that failed.
    """

    label: str
    request: RunRequest


def remedy(view: RunView, rows: Sequence[Row]) -> Remedy | None:
    """Return what may help the candidates `rows`, which share one error; None where nothing is known to.

    Args:
        view: Their run.
        rows: At least one, each with the same error.
    """
    error = rows[0].candidate.error
    if error is None or rows[0].candidate.status is CandidateStatus.UNMEASURED:
        return None
    asked = view.run.request
    recipes = tuple(row.candidate.recipe.on("") for row in rows)
    few = rows[0].name if len(rows) == 1 else f"these {len(rows)}"
    if error.code in OUT_OF_TIME:
        limitless = replace(asked, budget_s=None)
        return Remedy(f"Try {few} without a time budget", limitless.by_hand(recipes))
    if error.code == "out_of_memory" and asked.batch > 1:
        small = tuple(replace(each, target=replace(each.target, batch=1)) for each in recipes)
        return Remedy(f"Try {few} with batch 1", replace(asked, batch=1).by_hand(small))
    if error.instead in passes():
        known = [row.candidate.recipe.on("") for row in view.candidates]
        fresh: list[Recipe] = []
        for other in (_instead(view, row, error.stage, error.instead) for row in rows):
            if other is not None and other not in (*known, *fresh):
                fresh.append(other)
        if not fresh:
            return None
        return Remedy(f"Try {pass_name(error.instead)} instead", asked.by_hand(fresh))
    if rows[0].candidate.status is CandidateStatus.FAILED:
        return Remedy(f"Try {few} again", asked.by_hand(recipes))
    return None


def _instead(view: RunView, row: Row, stage: str, other: str) -> Recipe | None:
    """Return the recipe of `row` with `other` in place of the technique that did not work, or None."""
    recipe = row.candidate.recipe
    steps = [step for step in recipe.steps if not get_pass(step.pass_id).bridges]
    if not steps:
        return None
    failed = next((at for at, step in enumerate(steps) if step.pass_id == stage), len(steps) - 1)
    steps[failed] = Step(other)
    path = path_to(view.model.format, steps, runtimes()[recipe.target.runtime_id])
    return None if path is None else Recipe(path, replace(recipe.target, machine=""))
