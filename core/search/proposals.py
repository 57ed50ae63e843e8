"""Asking the search strategy of a request, and holding it to its contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Recipe
from core.domain.run import RunRequest
from core.domain.trial import Trial
from core.errors import WhetstoneError
from core.params import make
from core.protocols import SearchContext
from core.registry import get_strategy

MOST_FORESEEN = 500
"""Recipes that may be known before a run: more would be a strategy that waits for no result."""


def strategy_id(request: RunRequest) -> str:
    """Return the strategy of a request: where none is named, recipes by hand or else the preset."""
    return request.strategy or ("by_hand" if request.recipes else "preset")


def most_more(request: RunRequest) -> int:
    """Return how many recipes the strategy of a request may add at most while its run goes on.

    Raises:
        InvalidRequest: There is no such strategy, or a parameter of it is wrong.
    """
    strategy = get_strategy(strategy_id(request))
    return strategy.most(make(strategy.Params, request.strategy_params))


class Proposals:
    """What the strategy of one request proposes.

    Args:
        request: Names the strategy and its parameters.
        model: The source model.
        environment: Of the machine that will measure.
        runtimes: Ids of the runtimes that may be used.
        priors: What earlier runs measured.
        point: What counts as much as a point of accuracy.

    Raises:
        InvalidRequest: There is no such strategy, or a parameter of it is wrong.
    """

    def __init__(
        self,
        request: RunRequest,
        model: SourceModel,
        environment: Environment,
        runtimes: Sequence[str],
        priors: Sequence[Trial] = (),
        point: float = 1.0,
    ) -> None:
        self._strategy = get_strategy(strategy_id(request))
        self._params = make(self._strategy.Params, request.strategy_params)
        # The load of this moment would make it propose something else after a resume.
        calm = replace(environment, load_before=0.0, load_after=0.0)
        self._context = SearchContext(request, model, calm, tuple(runtimes), tuple(priors), point)

    @property
    def most(self) -> int:
        """How many recipes it may add at most to those known beforehand."""
        return self._strategy.most(self._params)

    def next(self, history: Sequence[Trial]) -> Recipe | None:
        """Return what to try after `history`, the baseline first in it; None where nothing is left.

        Raises:
            WhetstoneError: The strategy proposed what is in the history.
        """
        recipe = self._strategy.propose(self._context, history, self._params)
        if recipe is not None and any(recipe == trial.recipe for trial in history):
            raise WhetstoneError(
                f"The strategy {self._strategy.name} proposed a recipe for the second time.",
                hint="Report this as a fault of the strategy, or choose another one.",
            )
        return recipe

    def foreseen(self, baseline: Recipe) -> list[Recipe]:
        """Return what it proposes before any result is there, in order, without the baseline."""
        history = [Trial(baseline)]
        while len(history) <= MOST_FORESEEN and (recipe := self.next(history)) is not None:
            history.append(Trial(recipe))
        return [trial.recipe for trial in history[1:]]
