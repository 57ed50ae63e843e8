"""Search space: chains of what techniques and runtimes suggest, in other strengths and with other endings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import log

from core.domain.recipe import Recipe, Step, Target
from core.domain.technique import Kind
from core.domain.trial import Trial
from core.params import make
from core.protocols import Opener, SearchContext, Trainer
from core.registry import get_pass, get_runtime, passes
from core.search.names import is_named
from core.search.paths import path_to
from core.search.presets import PRESETS, recipes

SHRINKING = (Kind.PRUNING, Kind.FACTORIZATION)
SCALES = (0.4, 0.6, 0.8, 1.0, 1.25, 1.5)
"""What strengths are multiplied by, from the values that techniques suggest themselves."""
NEAR = 0.2
"""Of two strengths whose logarithms differ by less, one is enough."""
ENDINGS = 3
"""Of the measured endings so many, the best ones, are put behind what shrinks."""
LONG_S = 60.0
PARTS = 3
"""A network is trained on at most twice: by then another strength is worth the time."""


@dataclass(frozen=True)
class Chain:
    """A recipe by what its steps are for; conversions that are put in by themselves are left out.

    Attributes:
        opening: Steps that open the way for others.
        shrinking: Fewer operations: pruning, factorization.
        training: What trains, and may recover what was lost before it.
        ending: All else: precisions, and settings of conversions.
        runtime: Id of the runtime.
    """

    opening: tuple[Step, ...]
    shrinking: tuple[Step, ...]
    training: tuple[Step, ...]
    ending: tuple[Step, ...]
    runtime: str

    @classmethod
    def of(cls, recipe: Recipe) -> Chain:
        """Return the chain of a recipe."""
        parts: dict[str, list[Step]] = {"opening": [], "shrinking": [], "training": [], "ending": []}
        for step in filter(is_named, recipe.steps):
            parts[_part(step)].append(step)
        return cls(**{name: tuple(steps) for name, steps in parts.items()}, runtime=recipe.target.runtime_id)

    @cached_property
    def key(self) -> str:
        """Text that is the same for the same chain."""
        return repr(self)

    @cached_property
    def trains_long(self) -> bool:
        """Whether it trains for minutes, as much as a budget gives, and not for seconds."""
        return sum(get_pass(step.pass_id).build_s[0] for step in self.training) >= LONG_S

    @cached_property
    def network(self) -> str:
        """Text that is the same for chains that differ in their precision or runtime alone."""
        return repr((self.opening, self.shrinking, self.training))

    @cached_property
    def continues(self) -> bool:
        """Whether its last training goes on with what the same one left before."""
        return len(self.training) > 1 and self.training[-1] == self.training[-2]

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of its steps in their order."""
        return (*self.opening, *self.shrinking, *self.training, *self.ending)

    def recipe(self, context: SearchContext) -> Recipe | None:
        """Return the recipe with all conversions; None where no way leads to the runtime."""
        path = path_to(context.model.format, self.steps, get_runtime(self.runtime))
        target = Target(self.runtime, "cpu", context.request.threads, context.request.batch)
        return None if path is None else Recipe(path, target)


def _part(step: Step) -> str:
    known = passes().get(step.pass_id)
    if isinstance(known, Opener):
        return "opening"
    if isinstance(known, Trainer):
        return "training"
    return "shrinking" if known is not None and known.kind in SHRINKING else "ending"


def suggested(context: SearchContext) -> list[Recipe]:
    """Return all that techniques and runtimes suggest for the model, whatever the preset, in their order.

    Without data of the person's own there is nothing to train on.
    """
    widest = max(PRESETS, key=lambda name: PRESETS[name].level)
    about = (context.model, context.environment, context.runtimes)
    found = recipes(widest, *about, context.request.threads, context.request.batch)
    return [each for each in found if context.request.data_id is not None or not Chain.of(each).training]


def space(context: SearchContext, history: Sequence[Trial]) -> list[Chain]:
    """Return the chains worth a thought: all endings, and all ways to shrink, trained or not, with the best.

    Args:
        context: Model, machine and runtimes.
        history: Of the run, the baseline first: what a person chose belongs to it, too.
    """
    tried = [Chain.of(trial.recipe) for trial in history[1:]]
    known = [Chain.of(each) for each in (*suggested(context), *context.request.recipes)]
    measured = [
        (trial.gain.value, each)
        for trial, each in zip(history[1:], tried, strict=True)
        if trial.gain and trial.within and not each.shrinking and not each.training
    ]
    best = [each for _, each in sorted(measured, key=lambda pair: -pair[0])[:ENDINGS]]
    stated = _unique(each.shrinking for each in known if each.shrinking)
    shrinkings = _apart([*stated, *(made for each in stated for made in _scaled(each))])
    joined = _unique(
        (*one.shrinking, *other.shrinking)
        for one in known
        if _ranked(one.shrinking, Kind.PRUNING)
        for other in known
        if _ranked(other.shrinking, Kind.FACTORIZATION)
    )
    # What corrects statistics in seconds recovers little: it is tried as suggested, and widely where it did.
    pairs = list(zip(history[1:], tried, strict=True))
    helped = (each for trial, each in pairs if trial.within and each.training and not each.trains_long)
    trainings = _unique(each.training for each in (*(one for one in known if one.trains_long), *helped))
    found = [
        replace(ending, shrinking=shrinking, training=training)
        for ending in best
        for shrinking in (*shrinkings, *joined)
        for training in ((), *trainings)
    ]
    trained = [each for trial, each in pairs if trial.gain and each.trains_long]
    converted = [
        replace(each, ending=one.ending, runtime=one.runtime)
        for each in trained
        for one in best
        if one.opening == each.opening
    ]
    further = [
        replace(each, training=(*each.training, each.training[-1]))
        for each in trained
        if len(each.training) < PARTS
    ]
    chains = (*known, *_endings(known), *found, *converted, *further)
    return list({each.key: each for each in chains}.values())


def _endings(known: Sequence[Chain]) -> Iterator[Chain]:
    """Yield the chains without shrinking and training, also on other runtimes that run their techniques."""
    bare = {replace(each, shrinking=(), training=()).key: each for each in known}
    there = {(each.runtime, *sorted({step.pass_id for step in each.ending})) for each in known}
    for one in bare.values():
        yield replace(one, shrinking=(), training=())
        for runtime in dict.fromkeys(each.runtime for each in known):
            if (runtime, *sorted({step.pass_id for step in one.ending})) in there:
                yield replace(one, shrinking=(), training=(), runtime=runtime)


def _ranked(steps: Sequence[Step], kind: Kind) -> bool:
    return bool(steps) and all(get_pass(step.pass_id).kind is kind for step in steps)


def _unique(found: Iterator[tuple[Step, ...]]) -> list[tuple[Step, ...]]:
    return list({repr(each): each for each in found}.values())


def _apart(found: Sequence[tuple[Step, ...]]) -> list[tuple[Step, ...]]:
    """Return those that are no other's near twin: 44 and 48 % of a few blocks are the same blocks."""
    kept: list[tuple[Step, ...]] = []
    for steps in found:
        if not any(_near(steps, other) for other in kept):
            kept.append(steps)
    return kept


def _near(one: tuple[Step, ...], other: tuple[Step, ...]) -> bool:
    if [step.pass_id for step in one] != [step.pass_id for step in other]:
        return False
    strengths = [(strength(ours), strength(theirs)) for ours, theirs in zip(one, other, strict=True)]
    if any(ours is None or theirs is None for ours, theirs in strengths):
        return one == other
    return all(abs(log(ours / theirs)) < NEAR for ours, theirs in strengths if ours and theirs)


def _scaled(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Yield the steps with the strengths of each scaled, those as they are among them."""
    yield steps
    for index, step in enumerate(steps):
        kind = get_pass(step.pass_id).Params
        params = make(kind, step.params)
        for field in fields(kind):
            if not field.metadata.get("strength"):
                continue
            before = getattr(params, field.name)
            for scale in SCALES:
                low, high = field.metadata["low"], field.metadata["high"]
                after = type(before)(f"{min(high, max(low, before * scale)):.2g}")
                made = Step(step.pass_id, {**step.params, field.name: after})
                yield (*steps[:index], made, *steps[index + 1 :])


def strength(step: Step) -> float | None:
    """Return how much a step does of its technique, from 0 to 1; None where no setting makes it faster."""
    technique = get_pass(step.pass_id)
    params = make(technique.Params, step.params)
    shares = []
    for field in fields(technique.Params):
        if field.metadata.get("strength"):
            value, high = float(getattr(params, field.name)), float(field.metadata["high"])
            shares.append(value if high <= 1 else value / high)
    return max(0.01, sum(shares) / len(shares)) if shares else None
