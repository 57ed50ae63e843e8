"""Local search around the best measured recipes: recombined, moved to another runtime, deeper or lighter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import exp, inf, log

from core.domain.recipe import Recipe, Step
from core.domain.technique import Kind
from core.domain.trial import Trial
from core.params import make, setting
from core.protocols import SearchContext
from core.registry import get_pass, get_runtime
from core.search.names import is_named
from core.search.paths import path_to
from core.search.strategies.in_order import next_of, preset_recipes

GAIN = 1.03
"""A recipe that promises less over the best so far is not worth a measurement."""
DEEPEST, LIGHTEST, MARGIN = 1.5, 0.4, 0.8
"""How far a setting is moved at once, and the share of the allowed loss that is aimed at."""
ORDER = (Kind.CONVERSION, Kind.PRUNING, Kind.FACTORIZATION, Kind.TRAINING, Kind.QUANTIZATION)
"""Kinds of technique as they follow each other in a chain; no two of one kind are joined."""


@dataclass(frozen=True)
class RefineParams:
    """How far to go."""

    most: int = setting(
        6, "Candidates to add", help="More may find something faster and take longer.", low=1, high=100
    )


@dataclass(frozen=True)
class Known:
    """A measured trial, taken apart.

    Attributes:
        steps: Its techniques without conversions.
        speed: Speed-up against the baseline.
        loss: As in `Trial`.
    """

    trial: Trial
    steps: tuple[Step, ...]
    speed: float
    loss: float

    @property
    def runtime(self) -> str:
        """Id of the runtime."""
        return self.trial.recipe.target.runtime_id


@dataclass(frozen=True)
class Promise:
    """A recipe that was not tried, with the figures that its relatives let expect."""

    recipe: Recipe
    speed: float
    loss: float


class Refine:
    """Expects the factors of techniques and runtimes to multiply, and tries what that promises most of."""

    id = "refine"
    name = "Refine"
    summary = (
        "Tries the recipes of the preset first, then combinations and settings that their figures promise "
        "to be faster within the limits."
    )
    Params = RefineParams

    def propose(
        self, context: SearchContext, history: Sequence[Trial], params: RefineParams
    ) -> Recipe | None:
        """Return the next recipe to start from or, when those are measured, the most promising one."""
        start = list(context.request.recipes) or preset_recipes(context)
        first = next_of(start, history)
        if first is not None or not all(trial.status.final for trial in history):
            return first
        if len([trial for trial in history[1:] if trial.recipe not in start]) >= params.most:
            return None
        tried = [trial.recipe for trial in history]
        allowed = inf if context.request.limits.max_drop is None else context.request.limits.max_drop
        wanted = GAIN * max([1.0, *(each.speed for each in known(history) if each.trial.within)])
        found = [
            each
            for each in promises(context, known(history), allowed)
            if each.speed >= wanted and each.loss <= allowed and each.recipe not in tried
        ]
        return max(found, key=lambda each: each.speed).recipe if found else None

    def most(self, params: RefineParams) -> int:
        """Return how many candidates it adds at most."""
        return params.most


def known(history: Sequence[Trial]) -> list[Known]:
    """Return the trials that have figures, in order."""
    return [
        Known(each, tuple(filter(is_named, each.recipe.steps)), each.speedup.value, each.loss)
        for each in history
        if each.speedup is not None and each.loss is not None
    ]


def promises(context: SearchContext, measured: Sequence[Known], allowed: float) -> Iterator[Promise]:
    """Yield recipes near those that were measured, with what they promise."""
    for one in measured:
        yield from _moved(context, one, measured)
        yield from _adjusted(context, one, measured, allowed)
        for other in measured:
            yield from _joined(context, one, other, measured)


def _recipe(context: SearchContext, steps: Sequence[Step], like: Recipe, runtime_id: str) -> Recipe | None:
    path = path_to(context.model.format, steps, get_runtime(runtime_id))
    return None if path is None else Recipe(path, replace(like.target, runtime_id=runtime_id))


def _relative(measured: Sequence[Known], steps: tuple[Step, ...], runtime: str) -> Known | None:
    return next((each for each in measured if each.steps == steps and each.runtime == runtime), None)


def _moved(context: SearchContext, one: Known, measured: Sequence[Known]) -> Iterator[Promise]:
    """Yield the same techniques on other runtimes, by how these did on what both of them ran."""
    for runtime in context.runtimes:
        pairs = [
            (each, there)
            for each in measured
            if each.runtime == one.runtime != runtime
            and (there := _relative(measured, each.steps, runtime)) is not None
        ]
        recipe = _recipe(context, one.steps, one.trial.recipe, runtime) if pairs else None
        if recipe is not None:
            ratio = exp(sum(log(there.speed / here.speed) for here, there in pairs) / len(pairs))
            yield Promise(recipe, one.speed * ratio, one.loss)


def _joined(context: SearchContext, one: Known, other: Known, measured: Sequence[Known]) -> Iterator[Promise]:
    """Yield the chain of two recipes of one runtime, by the factors over what they have in common."""
    shared = tuple(step for step in one.steps if step in other.steps)
    before, after = (tuple(step for step in each.steps if step not in shared) for each in (one, other))
    ranks = [[_rank(step) for step in steps] for steps in (before, after)]
    base = _relative(measured, shared, one.runtime) if one.runtime == other.runtime else None
    if base is None or not before or not after or max(ranks[0]) >= min(ranks[1]):
        return
    recipe = _recipe(context, (*before, *other.steps), one.trial.recipe, one.runtime)
    if recipe is not None:
        yield Promise(recipe, one.speed * other.speed / base.speed, one.loss + other.loss - base.loss)


def _rank(step: Step) -> int:
    return ORDER.index(get_pass(step.pass_id).kind)


def _adjusted(
    context: SearchContext, one: Known, measured: Sequence[Known], allowed: float
) -> Iterator[Promise]:
    """Yield a technique with more or less of its strength, aimed at most of the loss that is allowed."""
    for index, step in enumerate(one.steps):
        base = _relative(measured, (*one.steps[:index], *one.steps[index + 1 :]), one.runtime)
        if base is None or one.speed < GAIN * base.speed:
            continue
        cost = max(0.0, one.loss - base.loss)
        room = MARGIN * max(0.0, allowed - base.loss)
        scale = DEEPEST if cost * DEEPEST <= room else max(LIGHTEST, room / cost)
        for made, factor in _scaled(step, scale):
            steps = (*one.steps[:index], made, *one.steps[index + 1 :])
            recipe = _recipe(context, steps, one.trial.recipe, one.runtime)
            if recipe is not None:
                speed = base.speed * (one.speed / base.speed) ** factor
                yield Promise(recipe, speed, base.loss + cost * factor)


def _scaled(step: Step, scale: float) -> Iterator[tuple[Step, float]]:
    """Yield the step with each of its strengths scaled, and the scale that rounding and range left."""
    kind = get_pass(step.pass_id).Params
    params = make(kind, step.params)
    for field in fields(kind):
        if not field.metadata.get("strength"):
            continue
        before = getattr(params, field.name)
        low, high = field.metadata["low"], field.metadata["high"]
        after = type(before)(f"{min(high, max(low, before * scale)):.2g}")
        if after != before:
            yield Step(step.pass_id, {**step.params, field.name: after}), after / before


STRATEGY = Refine()
