"""Schedule of a search: what a run has left of its time, what chains take of it, and how long they train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.costs import BuildCosts
from core.search.estimate import HEAT_S, MEASURE_S
from core.search.space import Chain

LEAST_TRAINING_S = 30.0
"""A training of less is not begun."""
FURTHER_SHARE = 0.3
"""A training goes on only for so much of the time that it had before: less of it teaches nothing."""
ANOTHER_S, FIRST_SHARE = 400.0, 0.65
"""With so much time there are two trainings, and the first takes this share of it: one long training recovers
more than several short ones, and the second knows what the first showed."""
ROW_S, BATCH, LEAST_STEP_S = 3e-11, 128, 0.01
"""Seconds of a multiply-accumulate of a training step for one row, on two cores; rows of a step."""
USUAL_STEPS, POWER, WIDEST = 2000.0, 0.3, (0.4, 4.0)
"""After so many steps a training recovers what is usual; what stays lost falls with a power of the steps."""


def training_s(spare_s: float) -> float:
    """Return how much of the spare time of a run its next training gets."""
    return FIRST_SHARE * spare_s if spare_s > ANOTHER_S else spare_s


class Schedule:
    """What a search knows of time.

    Args:
        context: Budget and size of the model.
        history: The baseline first.
        tried: The chains of what follows it.
    """

    def __init__(self, context: SearchContext, history: Sequence[Trial], tried: Sequence[Chain]) -> None:
        self._giga_macs = (context.model.macs or 0) / 1e9
        self._costs, budget = BuildCosts(), context.request.budget_s
        spent = sum(trial.seconds for trial in history)
        self.left_s = inf if budget is None else max(0.0, budget - HEAT_S - spent)
        self._trained: dict[str, float] = {}
        for trial, chain in zip(history[1:], tried, strict=True):
            if trial.gain is None:  # refused or ended early: nobody can build on it
                continue
            begun = _begun(chain)
            self._trained[begun] = max(trial.trained_s + self._before_s(chain), self._trained.get(begun, 0.0))

    def there(self, chain: Chain) -> bool:
        """Whether what a chain shrinks and trains was made for another one."""
        return _begun(chain) in self._trained

    def trains_anew(self, chain: Chain) -> bool:
        """Whether a chain takes a training of minutes that none took before."""
        return chain.trains_long and not self.there(chain)

    def seconds(self, chain: Chain) -> float:
        """Return what a chain will probably take; what another one built is there already."""
        seconds = MEASURE_S[0] + MEASURE_S[1] * self._giga_macs + self._building_s(chain)
        return seconds + self._to_train_s(chain) if chain.training and not self.there(chain) else seconds

    def fits(self, chain: Chain) -> bool:
        """Whether there is probably time for a chain."""
        if self.trains_anew(chain):  # fills what is left
            least = max(LEAST_TRAINING_S, FURTHER_SHARE * self._before_s(chain))
            return self._to_train_s(chain) >= least
        return self.seconds(chain) <= self.left_s

    def toil(self, chain: Chain) -> float:
        """Return how much of what shrinking costs a training leaves, as a factor of what is usual."""
        seconds = self._trained.get(_begun(chain)) or self._before_s(chain) + self._to_train_s(chain)
        step_s = max(LEAST_STEP_S, BATCH * ROW_S * 1e9 * self._giga_macs)
        low, high = WIDEST
        factor: float = (USUAL_STEPS * step_s / max(seconds, step_s)) ** POWER
        return min(high, max(low, factor))

    def _before_s(self, chain: Chain) -> float:
        """Return how long what a chain trains on was trained by others."""
        return self._trained.get(_begun(replace(chain, training=chain.training[:-1])), 0.0)

    def _building_s(self, chain: Chain) -> float:
        steps = chain.ending if self.there(chain) else (*chain.opening, *chain.shrinking, *chain.ending)
        return sum(self._costs.seconds(step.pass_id, self._giga_macs) for step in steps)

    def _to_train_s(self, chain: Chain) -> float:
        """Return the seconds that its training gets: what a budget gives, or those that it states."""
        stated = sum(self._costs.seconds(step.pass_id, self._giga_macs) for step in chain.training)
        if not chain.trains_long or self.left_s == inf:
            return stated
        return training_s(max(0.0, self.left_s - MEASURE_S[0] - self._building_s(chain)))


def _begun(chain: Chain) -> str:
    return repr((chain.opening, chain.shrinking, chain.training))
