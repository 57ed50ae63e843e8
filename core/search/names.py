"""Display names of recipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import groupby
from typing import Any

from core.domain.recipe import Recipe, Step
from core.protocols import Pass
from core.registry import passes, runtimes


def _value(technique: Pass | None, name: str, value: object) -> str:
    known = {each.name: each.metadata for each in fields(technique.Params)} if technique else {}
    told: Mapping[str, Any] = known.get(name, {})
    if value in told.get("words", {}):
        return str(told["words"][value])
    if isinstance(value, bool):
        return name.replace("_", " ") if value else f"no {name.replace('_', ' ')}"
    if isinstance(value, float) and _is_share(told):
        return f"{value:.0%}"
    said = f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
    return f"{said} {told['unit']}" if told.get("unit") else said


def _is_share(told: Mapping[str, Any]) -> bool:
    """Whether a setting is a share of something: it has no unit and is one at the most."""
    return not told.get("unit") and told.get("high") is not None and told["high"] <= 1


def pass_name(pass_id: str) -> str:
    """Return the name of a technique; its id where that is not known (any more)."""
    known = passes().get(pass_id)
    return known.name if known else pass_id


def _words(step: Step, known: Pass | None) -> tuple[list[str], list[str]]:
    """Return the words for the precision that a step leaves, and for its other parameters that were chosen.

    Of a setting that chooses a precision every value with a word is told, the default too; of others those
    that are no defaults, and strengths, which say how much is done.
    """
    settings = {each.name: each for each in fields(known.Params)} if known else {}
    kinds = [name for name, each in settings.items() if each.metadata.get("precision")]
    stated = {name: step.params.get(name, settings[name].default) for name in kinds}
    precision = [
        _value(known, *each) for each in stated.items() if each[1] in settings[each[0]].metadata["words"]
    ]
    others = [
        _value(known, name, value)
        for name, value in step.params.items()
        if name not in kinds
        and (
            name not in settings or settings[name].metadata.get("strength") or value != settings[name].default
        )
    ]
    return precision, others


def step_name(step: Step) -> str:
    """Return a step's technique with the parameters that were chosen, such as ``INT8 static (entropy)``.

    A conversion that does nothing but choose a precision goes by that.
    """
    known = passes().get(step.pass_id)
    precision, others = _words(step, known)
    if known is not None and known.converts and precision and not others:
        return ", ".join(precision)
    details = ", ".join(precision + others)
    return f"{pass_name(step.pass_id)} ({details})" if details else pass_name(step.pass_id)


def is_named(step: Step) -> bool:
    """Whether names of recipes tell a step: of conversions only those with something chosen."""
    known = passes().get(step.pass_id)
    return known is None or not known.converts or any(_words(step, known))


def runtime_name(recipe: Recipe) -> str:
    """Return the name of the runtime a recipe runs on."""
    known = runtimes().get(recipe.target.runtime_id)
    return known.name if known else recipe.target.runtime_id


def technique(recipe: Recipe, precision: str) -> str:
    """Return what a recipe does to a model of `precision`, without exports and conversions."""
    steps = [_told(*found) for found in groupby(filter(is_named, recipe.steps), key=step_name)]
    if not steps and recipe.steps and _keeps_format(recipe.steps[0]):
        # Of an uploaded file it would be the name of the baseline.
        return step_name(recipe.steps[0])
    return " + ".join(steps) if steps else precision


def _told(name: str, steps: Iterable[Step]) -> str:
    """Return the name of a step; the same step again, such as a training behind itself, continues it."""
    again = len(list(steps)) - 1
    return name if not again else f"{name} (continued{f' {again} times' if again > 1 else ''})"


def _keeps_format(step: Step) -> bool:
    known = passes().get(step.pass_id)
    return known is not None and all(before == after for before, after in known.produces.items())


def recipe_name(recipe: Recipe, precision: str = "FP32") -> str:
    """Return technique and runtime, such as ``INT8 static + BF16 · OpenVINO``.

    Args:
        recipe: Steps and target.
        precision: Of the model as uploaded; names recipes that leave it as it is.
    """
    return f"{technique(recipe, precision)} · {runtime_name(recipe)}"
