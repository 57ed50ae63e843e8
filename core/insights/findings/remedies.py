"""Recipes that a finding can propose, made of what the techniques say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.domain.recipe import Recipe, Step
from core.domain.technique import Precision
from core.protocols.diagnostics import Case
from core.registry import passes, runtimes

ORDER = list(Precision)


def precision_of(recipe: Recipe) -> Precision | None:
    """Return the lowest precision that a technique of `recipe` leaves; None where all keep what it was."""
    return max(precisions_of(recipe), key=ORDER.index, default=None)


def precisions_of(recipe: Recipe) -> set[Precision]:
    """Return the precisions that the techniques of `recipe` leave."""
    known = ((passes().get(step.pass_id), step.params) for step in recipe.steps)
    left = {each.leaves(params) for each, params in known if each is not None}
    return {each for each in left if each is not None}


def with_remainder(case: Case) -> Recipe | None:
    """Return its recipe with what it left in float in a lower precision, where this machine gains by that."""
    environment, steps = case.result.timing.environment, case.candidate.recipe.steps
    made = (technique.remainder(environment) for technique in passes().values())
    step = next((step for step in made if step is not None), None)
    return _added(case, steps, step, frozenset({"precision"}))


def quantized(case: Case) -> Recipe | None:
    """Return its recipe with the most accurate quantization behind it; None where it is quantized."""
    steps = case.candidate.recipe.steps
    if precision_of(case.candidate.recipe) is not None:
        return None
    made = (technique.finest() for technique in passes().values())
    return _added(case, steps, next((step for step in made if step is not None), None))


def _added(
    case: Case, steps: Sequence[Step], step: Step | None, options: frozenset[str] = frozenset()
) -> Recipe | None:
    """Return the recipe with one more step, on a runtime that takes what it makes and honours `options`."""
    if step is None or any(each.pass_id == step.pass_id for each in steps):
        return None
    recipe = replace(case.candidate.recipe, steps=(*steps, step))
    made, here = set(passes()[step.pass_id].produces.values()), recipe.target
    known = [here.runtime_id, *runtimes()]
    fitting = (
        each for each in known if made & runtimes()[each].formats and options <= runtimes()[each].options
    )
    chosen = next(fitting, None)
    return replace(recipe, target=replace(here, runtime_id=chosen)) if chosen else None
