"""A list of recipes, proposed in its order."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.recipe import Recipe
from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.presets import recipes


def next_of(listed: Sequence[Recipe], history: Sequence[Trial]) -> Recipe | None:
    """Return the first of `listed` that is not in `history`, or None."""
    tried = [trial.recipe for trial in history]
    return next((recipe for recipe in listed if recipe not in tried), None)


def preset_recipes(context: SearchContext) -> list[Recipe]:
    """Return the recipes of the request's preset.

    Raises:
        InvalidRequest: There is no such preset.
    """
    request = context.request
    return recipes(
        request.preset,
        context.model,
        context.environment,
        context.runtimes,
        request.threads,
        request.batch,
    )
