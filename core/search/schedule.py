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
HALVING_S, TRIED_SHARE = 300.0, 0.08
"""With more time than that a strength is tried first, in this share of it, and the best one trained on with
the rest. 200 steps of a CIFAR ResNet-20 and 600 more left as much as 800 in one piece."""
ROW_S, BATCH, LEAST_STEP_S = 3e-11, 128, 0.01
"""Seconds of a multiply-accumulate of a training step for one row, on two cores; rows of a step."""
USUAL_STEPS, POWER, WIDEST = 2000.0, 0.35, (0.4, 4.0)
"""After so many steps a training recovers what is usual; what stays lost falls with a power of the steps."""


def training_s(spare_s: float, further: bool) -> float:
    """Return how much of the spare time of a run its next training gets: all, if it goes on `further`."""
    return spare_s if further or spare_s <= HALVING_S else max(LEAST_TRAINING_S, TRIED_SHARE * spare_s)


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
            begun = chain.network
            self._trained[begun] = max(trial.trained_s + self._before_s(chain), self._trained.get(begun, 0.0))

    def there(self, chain: Chain) -> bool:
        """Whether what a chain shrinks and trains was made for another one."""
        return chain.network in self._trained

    def begins(self, chain: Chain) -> bool:
        """Whether a chain begins a training of minutes on a network that none was trained on."""
        return self.trains_anew(chain) and not chain.continues

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
        seconds = self._trained.get(chain.network) or self._before_s(chain) + self._most_s(chain)
        step_s = max(LEAST_STEP_S, BATCH * ROW_S * 1e9 * self._giga_macs)
        low, high = WIDEST
        factor: float = (USUAL_STEPS * step_s / max(seconds, step_s)) ** POWER
        return min(high, max(low, factor))

    def _before_s(self, chain: Chain) -> float:
        """Return how long what a chain trains on was trained by others."""
        return self._trained.get(replace(chain, training=chain.training[:-1]).network, 0.0)

    def _building_s(self, chain: Chain) -> float:
        made = self.there(chain) or self._before_s(chain) > 0
        steps = chain.ending if made else (*chain.opening, *chain.shrinking, *chain.ending)
        return sum(self._costs.seconds(step.pass_id, self._giga_macs) for step in steps)

    def _to_train_s(self, chain: Chain) -> float:
        """Return the seconds that its training gets now: what a budget gives, or those that it states."""
        most = self._most_s(chain)
        if not chain.trains_long or self.left_s == inf:
            return most
        return training_s(most, chain.continues)

    def _most_s(self, chain: Chain) -> float:
        """Return the seconds left to train it, now and further on; without a budget those it states."""
        if chain.trains_long and self.left_s < inf:
            return max(0.0, self.left_s - MEASURE_S[0] - self._building_s(chain))
        steps = chain.training[-1:] if self._before_s(chain) else chain.training
        return sum(self._costs.seconds(step.pass_id, self._giga_macs) for step in steps)
