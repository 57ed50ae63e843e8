"""Search strategies: propose the next recipe from the history of trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Recipe
from core.domain.run import RunRequest
from core.domain.trial import Trial


@dataclass(frozen=True)
class SearchContext:
    """What a strategy may look at beside the history.

    Attributes:
        request: Preset, recipes, limits and seed among others.
        model: The source model.
        environment: Of the machine.
        runtimes: Ids of the runtimes that may be used.
        priors: What earlier runs measured on this machine of models of the same task, this one among them;
            without a loss where that is known of the test only.
        point: What counts as much as a point of accuracy, in the unit of the losses: the metric's usual limit
            or, where outputs are held against the model's own, the disagreement that comes with a point.
    """

    request: RunRequest
    model: SourceModel
    environment: Environment
    runtimes: tuple[str, ...]
    priors: tuple[Trial, ...] = ()
    point: float = 1.0


class Strategy(Protocol):
    """Chooses what to try next.

    A strategy has no state: `propose` is a pure function of its arguments, so that a resumed run goes on as
    it would have. Every random choice follows from the request's seed and the history.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    Params: ClassVar[type[Any]]

    def propose(self, context: SearchContext, history: Sequence[Trial], params: Any) -> Recipe | None:
        """Return a recipe that is not in `history`, or None where nothing more is worth a try.

        It is asked again whenever a candidate became final. Before the run starts it is asked with a history
        of waiting candidates until it returns None: what it proposes then is known beforehand.

        Args:
            context: What the run is about.
            history: All candidates in their order, the baseline first.
            params: Of the type `Params`.

        Raises:
            InvalidRequest: The request names what does not exist.
        """

    def most(self, params: Any) -> int:
        """Return how many recipes it may add at most to those known beforehand."""
