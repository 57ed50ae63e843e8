"""Recipes chosen by hand, in the order given."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.recipe import Recipe
from core.domain.technique import NoParams
from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.strategies.in_order import next_of


class ByHand:
    """Proposes the request's own recipes."""

    id = "by_hand"
    name = "By hand"
    summary = "Tries the recipes that were chosen, in their order."
    Params = NoParams

    def propose(self, context: SearchContext, history: Sequence[Trial], params: NoParams) -> Recipe | None:
        """Return the next of the recipes that were chosen."""
        return next_of(context.request.recipes, history)

    def most(self, params: NoParams) -> int:
        """Return 0: all is known beforehand."""
        return 0


STRATEGY = ByHand()
