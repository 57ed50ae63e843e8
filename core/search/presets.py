"""Presets: the recipes that techniques and runtimes themselves hold worth a try, most promising first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from core.bench.timing.interleaving import MeasurementPlan
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.errors import InvalidRequest
from core.protocols import Idea, Opener, Pass, Runtime
from core.registry import formats, get_runtime, passes
from core.registry import runtimes as all_runtimes
from core.search.paths import path_to


@dataclass(frozen=True)
class Preset:
    """How much a preset tries, and how exactly it measures.

    Attributes:
        name: For people.
        icon: Name of a Material symbol.
        summary: What it tries, in a sentence.
        level: The largest `Idea.level` that it tries.
        plan: Stopping rule of each measurement.
    """

    name: str
    icon: str
    summary: str
    level: int
    plan: MeasurementPlan


PRESETS = {
    "quick": Preset(
        "Quick",
        "bolt",
        "The few techniques that usually win on a model like this.",
        1,
        MeasurementPlan(
            max_seconds=5.0,
            throughput_batches=(1, 8),
            throughput_seconds=0.2,
            starts=1,
            close_starts=1,
            heat_starts=2,
        ),
    ),
    "balanced": Preset(
        "Balanced",
        "balance",
        "More precisions, calibrations and pruning.",
        2,
        MeasurementPlan(max_seconds=12.0, throughput_seconds=0.4),
    ),
    "thorough": Preset(
        "Thorough",
        "travel_explore",
        "Everything that could win, chained techniques included.",
        3,
        MeasurementPlan(
            max_seconds=30.0, target=0.02, throughput_seconds=0.6, starts=3, close_starts=4, heat_starts=4
        ),
    ),
}


def plan_of(preset: str) -> MeasurementPlan:
    """Return how exactly `preset` measures; what is no preset is measured as ``balanced``."""
    return PRESETS.get(preset, PRESETS["balanced"]).plan


def baseline(model: SourceModel, threads: int, batch: int) -> Recipe:
    """Return the model as its owner runs it today.

    Raises:
        InvalidRequest: No runtime says that it runs uploads of this format.
    """
    owners = [key for key, each in all_runtimes().items() if model.format in each.baseline_of]
    if not owners:
        name = formats()[model.format].name
        raise InvalidRequest(
            f"No runtime here runs {name} as it was uploaded, so there is nothing to compare with.",
            hint="Upload the model in another format.",
        )
    return Recipe((), Target(owners[0], "cpu", threads, batch))


def recipes(
    preset: str,
    model: SourceModel,
    environment: Environment,
    runtimes: Sequence[str],
    threads: int = 1,
    batch: int = 1,
) -> list[Recipe]:
    """Return the recipes that `preset` tries, in order, without the baseline.

    Args:
        preset: ``quick``, ``balanced`` or ``thorough``.
        model: Its format and task choose the techniques.
        environment: Its instruction sets choose the precisions.
        runtimes: Ids of the runtimes to use.
        threads: Threads of every target.
        batch: Batch of every target.

    Raises:
        InvalidRequest: There is no such preset.
    """
    if preset not in PRESETS:
        raise InvalidRequest(f"There is no preset {preset!r}.", hint=f"Choose one of: {', '.join(PRESETS)}.")
    target = Target("", "cpu", threads, batch)
    chosen = (each for each in _ideas(model, environment) if each.level <= PRESETS[preset].level)
    made = [
        Recipe(path, replace(target, runtime_id=idea.runtime))
        for idea in chosen
        if idea.runtime in runtimes
        for steps in _opened(idea, model)
        if (path := path_to(model.format, steps, get_runtime(idea.runtime))) is not None
    ]
    unique = {repr(each): each for each in made if each != baseline(model, threads, batch)}
    return list(unique.values())


def _ideas(model: SourceModel, environment: Environment) -> list[Idea]:
    """Return all ideas for a model on a machine whose techniques exist here, in order."""
    known = passes()
    extensions: list[Pass | Runtime] = [*all_runtimes().values(), *known.values()]
    found = [idea for extension in extensions for idea in extension.ideas(model, environment)]
    usable = [each for each in found if all(step.pass_id in known for step in each.steps)]
    finest = tuple(step for each in known.values() if (step := each.finest()) is not None)
    last = tuple(step for each in known.values() if (step := each.remainder(environment)) is not None)
    complete = [
        replace(each, steps=each.steps + finest * each.quantized + last * each.remainder)
        for each in usable
        if finest or not each.quantized
    ]
    return sorted(complete, key=lambda idea: idea.order)


def _opened(idea: Idea, model: SourceModel) -> Iterator[tuple[Step, ...]]:
    """Yield an idea's steps behind the techniques that open their way, by these techniques' own word.

    Where such a technique changes what the model is good for, an idea is tried without it first.
    """
    if not idea.opened:
        yield idea.steps
        return
    found = [(each.alone, step) for each in _openers(model) if (step := each.opens(model)) is not None]
    always = (*(step for alone, step in found if alone), *idea.steps)
    sometimes = tuple(step for alone, step in found if not alone)
    yield always
    if sometimes and idea.level == 1:
        yield (*sometimes, *always)


def _openers(model: SourceModel) -> list[Opener]:
    """Return the techniques that may open a way for `model`; nothing goes without those that stand alone."""
    openers = (each for each in passes().values() if isinstance(each, Opener))
    return [each for each in openers if each.alone or model.format in each.accepts]
