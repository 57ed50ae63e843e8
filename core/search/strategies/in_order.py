"""A list of recipes, proposed in its order."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.recipe import Recipe
from core.domain.trial import Trial
from core.protocols import SearchContext, Trainer
from core.registry import get_pass
from core.search.presets import recipes


def next_of(listed: Sequence[Recipe], history: Sequence[Trial]) -> Recipe | None:
    """Return the first of `listed` that is not in `history`, or None."""
    tried = [trial.recipe for trial in history]
    return next((recipe for recipe in listed if recipe not in tried), None)


def preset_recipes(context: SearchContext) -> list[Recipe]:
    """Return the recipes of the request's preset: without data those that train teach nothing.

    Raises:
        InvalidRequest: There is no such preset.
    """
    request = context.request
    found = recipes(
        request.preset,
        context.model,
        context.environment,
        context.runtimes,
        request.threads,
        request.batch,
    )
    return [each for each in found if request.data_id is not None or not _trains(each)]


def _trains(recipe: Recipe) -> bool:
    return any(isinstance(get_pass(step.pass_id), Trainer) for step in recipe.steps)
