"""Grid of a preset: a fixed list of recipes in the order of their promise."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.recipe import Recipe
from core.domain.technique import NoParams
from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.strategies.in_order import next_of, preset_recipes


class Preset:
    """Proposes the preset's recipes, cheap and lossless ones first."""

    id = "preset"
    name = "Preset"
    summary = "Tries the recipes of the preset in their order."
    Params = NoParams

    def propose(self, context: SearchContext, history: Sequence[Trial], params: NoParams) -> Recipe | None:
        """Return the preset's next recipe."""
        return next_of(preset_recipes(context), history)

    def most(self, params: NoParams) -> int:
        """Return 0: all is known beforehand."""
        return 0


STRATEGY = Preset()
