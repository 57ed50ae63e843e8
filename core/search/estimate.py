"""Cost model: how long a run will probably take, refined while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step
from core.protocols import Trainer
from core.registry import get_pass, get_runtime
from core.search.costs import BuildCosts
from core.search.presets import baseline

MEASURE_S = (6.0, 3.0)
"""Seconds to measure a small model, and more for every 10^9 multiply-accumulates."""
HEAT_S = 12.0
TRUST_S = 4.0
"""Seconds of work that the first guess counts for, against what was seen."""


@dataclass
class _Pace:
    """Ratio of measured to expected time."""

    seen: float = TRUST_S
    expected: float = TRUST_S

    @property
    def ratio(self) -> float:
        return self.seen / self.expected

    def learn(self, seen: float, expected: float) -> None:
        self.seen, self.expected = self.seen + seen, self.expected + expected


class Forecast:
    """Expects how long candidates take, and learns from those that were there.

    Args:
        model: Its multiply-accumulates scale the expectation.
        costs: Of builds; the passes' own estimates if not given.
    """

    def __init__(self, model: SourceModel, costs: BuildCosts | None = None) -> None:
        self._model, self._giga_macs = model, (model.macs or 0) / 1e9
        self._costs = costs or BuildCosts()
        self._built: set[str] = set()
        self._building, self._measuring = _Pace(), _Pace()

    def building_s(self, recipe: Recipe) -> float:
        """Return the expected seconds to build what is not built yet."""
        return self._building.ratio * self._steps_s(_missing([recipe], self._built))

    def training_s(self, recipes: Sequence[Recipe]) -> float:
        """Return the expected seconds of `recipes` that are training: they take less where there is less."""
        return self._building.ratio * self._steps_s(self._trainings(recipes))

    def trainings(self, recipes: Sequence[Recipe]) -> int:
        """Return how many trainings of `recipes` are not done yet; one that several share counts once."""
        return len(self._trainings(recipes))

    def _trainings(self, recipes: Sequence[Recipe]) -> dict[str, Step]:
        missing = _missing(recipes, self._built)
        return {key: step for key, step in missing.items() if isinstance(get_pass(step.pass_id), Trainer)}

    def measuring_s(self, recipe: Recipe) -> float:
        """Return the expected seconds to measure `recipe` against the baseline."""
        return self._measuring.ratio * self._measure_s(recipe)

    def total_s(self, recipes: Sequence[Recipe]) -> float:
        """Return the expected seconds to build and measure `recipes`; a shared prefix counts once."""
        building = self._building.ratio * self._steps_s(_missing(recipes, self._built))
        return building + sum(self.measuring_s(recipe) for recipe in recipes)

    def further_s(self, count: int, like: Sequence[Recipe]) -> float:
        """Return the expected seconds for `count` candidates that nobody knows yet, similar to `like`."""
        if not count or not like:
            return 0.0
        building = self._building.ratio * self._steps_s(_missing(like, set()))
        return count * (building + sum(map(self.measuring_s, like))) / len(like)

    def built(self, recipe: Recipe, seconds: float, anew: bool = True) -> None:
        """Take note that `recipe` was built in `seconds`; not `anew` where it was there from before."""
        missing = _missing([recipe], self._built)
        if anew and missing:
            self._building.learn(seconds, self._steps_s(missing))
        self._built |= set(missing)

    def measured(self, recipe: Recipe, seconds: float) -> None:
        """Take note that `recipe` was measured in `seconds`."""
        self._measuring.learn(seconds, self._measure_s(recipe))

    def _steps_s(self, steps: dict[str, Step]) -> float:
        return sum(self._costs.seconds(step.pass_id, self._giga_macs) for step in steps.values())

    def _measure_s(self, recipe: Recipe) -> float:
        base, slope = MEASURE_S
        owners, own = (each.target.runtime_id for each in (baseline(self._model, 1, 1), recipe))
        starts_s = get_runtime(owners).start_s + get_runtime(own).start_s
        return base + slope * self._giga_macs + starts_s


def _missing(recipes: Sequence[Recipe], built: set[str]) -> dict[str, Step]:
    """Return the last step of every prefix of `recipes` that is not among `built`, by prefix."""
    prefixes = (recipe.steps[: end + 1] for recipe in recipes for end in range(len(recipe.steps)))
    return {repr(prefix): prefix[-1] for prefix in prefixes if repr(prefix) not in built}


def estimate_s(
    recipes: Sequence[Recipe],
    model: SourceModel,
    budget_s: float | None = None,
    further: int = 0,
    costs: BuildCosts | None = None,
) -> float:
    """Return the expected seconds to build and measure all `recipes`, the budget at most.

    Args:
        recipes: In the order they will run, the baseline among them.
        model: Its multiply-accumulates scale the expectation.
        budget_s: The time that is given.
        further: Candidates that a strategy may add while the run goes on.
        costs: Of builds; the passes' own estimates if not given.
    """
    forecast = Forecast(model, costs)
    kinds = len({recipe.target.machine for recipe in recipes})
    expected = forecast.total_s(recipes) + (HEAT_S * kinds if len(recipes) > kinds else 0.0)
    expected += forecast.further_s(further, recipes)
    return expected if budget_s is None else min(expected, budget_s)
