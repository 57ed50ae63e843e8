"""Search for the best chain of techniques in a budget: suggestions first, then what promises most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, log, sqrt

import numpy as np

from core.datasets.splits import SEARCH_SHARE
from core.domain.recipe import Recipe
from core.domain.run import CandidateStatus, Objective
from core.domain.trial import Trial
from core.params import setting
from core.protocols import SearchContext
from core.search.factors import Expected, Seen, by_answers, expect
from core.search.improvement import LEAST_FLIPS, Bar, Fastest, chances, expected_improvement
from core.search.presets import recipes
from core.search.schedule import Schedule
from core.search.space import Chain, space, suggested
from core.search.strategies.in_order import next_of, preset_recipes

LEAST = 0.005
"""What promises to add less, as a share of the gain, is not worth a measurement."""
WIDEST, LEAST_UNIT = 5.0, 0.1
"""Largest loss of interest in points where none is named, and the least that counts as allowed."""
PROBES, UNKNOWN = 4, 0.07
"""Networks whose speed is not known so exactly are measured before they are trained: so many at most, and
none after the first training, as the time is better spent on what is known by then."""
USUAL, DEEPER = "balanced", 0.8
"""Preset with the techniques that are likely to help, and the weight of what the others promise."""
STRENGTHS = 3
"""So many networks at most are trained for a while, before the best of them goes on."""
HOPELESS = 2
"""A technique that failed so often on a runtime and never worked there is given up."""


@dataclass(frozen=True)
class SearchParams:
    """How far to go."""

    most: int = setting(
        24, "Candidates to add", help="More may find something better and take longer.", low=1, high=200
    )


class Search:
    """Expects figures of chains by those of their relatives, and tries what promises most for its time."""

    id = "search"
    name = "Search"
    summary = (
        "Tries the recipes of the preset first, then the chains, strengths and trainings that promise most "
        "within the limits by what was measured, as long as the time lasts."
    )
    Params = SearchParams

    def propose(
        self, context: SearchContext, history: Sequence[Trial], params: SearchParams
    ) -> Recipe | None:
        """Return the next recipe to start from or, when those are measured, the most promising one."""
        start = list(context.request.recipes) or preset_recipes(context)
        first = next_of(start, history)
        if first is not None or not all(trial.status.final for trial in history):
            return first
        if len([trial for trial in history[1:] if trial.recipe not in start]) >= params.most:
            return None
        return chosen(context, history, space(context, history))

    def most(self, params: SearchParams) -> int:
        """Return how many candidates it adds at most."""
        return params.most


def chosen(context: SearchContext, history: Sequence[Trial], chains: Sequence[Chain]) -> Recipe | None:
    """Return the recipe of the chain that promises most for its time; None where none promises enough."""
    tried = [Chain.of(trial.recipe) for trial in history[1:]]
    keys, time = {each.key for each in tried}, Schedule(context, history, tried)
    left = [
        each
        for each in chains
        if each.key not in keys and time.fits(each) and not _hopeless(each, history, tried)
    ]
    unit, allowed, widest = _scale(context)
    lost = unit * context.point
    seen = [*_seen(history[1:], lost, False), *_seen(context.priors, lost, True)]
    own = [each for each in seen if not each.other]
    if not own:  # nothing of the start worked here
        return next_of(suggested(context), history)
    if not left:
        return None
    expected = expect(left, seen, unit, time.toil)
    done = [trial for trial in history[1:] if trial.gain is not None]
    bar = Bar(allowed, _needed(context, history[0]), _doubt(done, lost))
    out = [not each.within and (each.loss is None or each.loss / lost <= allowed) for each in done]
    measured = _Measured(own, out, expect([each.chain for each in own], seen, unit, time.toil), bar)
    worth = expected_improvement(
        expected,
        [(log(max(each.gain, 1e-3)), each.loss) for each in own if each.loss is not None],
        [measured.without(each) for each in left],
        bar,
        widest,
        context.request.seed + len(history),
    )
    usual = _usual(context)
    worth *= [1.0 if usual.issuperset(step.pass_id for step in each.shrinking) else DEEPER for each in left]
    # By the root of its time: what is cheap comes first, and what gains much does not wait for ever.
    order = sorted(range(len(left)), key=lambda at: -worth[at] / sqrt(time.seconds(left[at])))
    promising = [index for index in order if worth[index] >= LEAST]
    if context.request.budget_s is not None:  # what trains takes most of it, and gains most
        promising.sort(key=lambda index: -worth[index] if left[index].trains_long else 0.0)
    probed = sum(bool(each.chain.shrinking) and not each.chain.training for each in own)
    enough = probed >= PROBES or any(each.chain.trains_long for each in own)
    strengths = {repr(each.chain.shrinking) for each in own if each.chain.trains_long}
    for index in promising:
        one = left[index]
        if context.request.budget_s is not None and len(strengths) >= STRENGTHS and time.begins(one):
            continue
        bare = replace(one, training=())
        if one.training and bare.key not in keys and expected.gain_sd[index] > UNKNOWN:
            if enough:
                continue
            one = bare
        recipe = one.recipe(context)
        if recipe is not None and all(recipe != trial.recipe for trial in history):
            return recipe
    return None


class _Measured:
    """What was measured so far, each with the chance to be taken; what trains it further takes its place.

    Those are `out` that break another limit than that on the loss, which is for good.
    """

    def __init__(self, own: Sequence[Seen], out: Sequence[bool], expected: Expected, bar: Bar) -> None:
        self._chains = [each.chain for each in own]
        self._gains = np.array([log(max(each.gain, 1e-3)) for each in own])
        self._chances = np.where(out, 0.0, chances(expected, bar))
        self._all = Fastest(self._gains, self._chances)

    def without(self, chain: Chain) -> Fastest:
        """Return the measured ones without those that `chain` trains further."""
        if not chain.continues:
            return self._all
        before = replace(chain, training=chain.training[:-1]).network
        others = np.array([each.network != before for each in self._chains])
        return Fastest(self._gains[others], self._chances[others])


def _doubt(trials: Sequence[Trial], lost: float) -> float:
    """Return how uncertain a loss of one unit is on the test, by what the losses on the search rows are."""
    known = [(each.loss / lost, each.loss_sd / lost) for each in trials if each.loss is not None]
    shares = [sd / sqrt(max(0.0, loss) + LEAST_FLIPS) for loss, sd in known if sd]
    return sqrt(1 / (SEARCH_SHARE - 1)) * sum(shares) / len(shares) if shares else 0.0


def _usual(context: SearchContext) -> set[str]:
    """Return the techniques that are worth a try, by their own word, where not everything is tried."""
    about = (context.model, context.environment, context.runtimes)
    return {step.pass_id for recipe in recipes(USUAL, *about) for step in recipe.steps}


def _scale(context: SearchContext) -> tuple[float, float, float]:
    """Return what one unit of loss is in points, and in such units what is allowed and of interest."""
    limit = context.request.limits.max_drop
    if limit is None:
        return 1.0, inf, WIDEST
    drop = limit / context.point
    unit = max(drop, LEAST_UNIT)
    return unit, drop / unit, 1.0


def _needed(context: SearchContext, baseline: Trial) -> float:
    """Return the logarithm of the gain that a limit on the latency asks for; 0 for none."""
    limit = context.request.limits.max_latency_ms
    if limit is None or baseline.latency_ms is None or context.request.objective is not Objective.LATENCY:
        return 0.0
    return max(0.0, log(baseline.latency_ms / limit))


def _seen(trials: Sequence[Trial], unit: float, other: bool) -> list[Seen]:
    found = []
    for each in trials:
        if each.gain is None:
            continue
        loss, sd = each.loss, each.loss_sd
        if loss is not None:
            loss, sd = by_answers(loss, sd, each.changed)
        found.append(
            Seen(
                Chain.of(each.recipe),
                each.gain.value,
                None if loss is None else loss / unit,
                other,
                sd / unit,
            )
        )
    return found


def _hopeless(chain: Chain, history: Sequence[Trial], tried: Sequence[Chain]) -> bool:
    """Whether a technique of `chain` failed on its runtime, again and again, and never worked there."""
    for step in chain.steps:
        outcomes = [
            trial.gain is not None
            for trial, other in zip(history[1:], tried, strict=True)
            if other.runtime == chain.runtime
            and any(step.pass_id == each.pass_id for each in other.steps)
            and trial.status in (CandidateStatus.DONE, CandidateStatus.FAILED, CandidateStatus.SKIPPED)
        ]
        if len(outcomes) >= HOPELESS and not any(outcomes):
            return True
    return False


STRATEGY = Search()
