"""Display names of recipes."""

from __future__ import annotations

from dataclasses import fields

from core.domain.recipe import Recipe, Step
from core.protocols import Pass
from core.registry import passes, runtimes


def _value(technique: Pass | None, name: str, value: object) -> str:
    for told in fields(technique.Params) if technique else ():
        if told.name == name and value in told.metadata.get("words", {}):
            return str(told.metadata["words"][value])
    if isinstance(value, bool):
        return name.replace("_", " ") if value else f"no {name.replace('_', ' ')}"
    return f"{value:.0%}" if isinstance(value, float) and 0 < value < 1 else str(value).replace("_", " ")


def pass_name(pass_id: str) -> str:
    """Return the name of a technique; its id where that is not known (any more)."""
    known = passes().get(pass_id)
    return known.name if known else pass_id


def step_name(step: Step) -> str:
    """Return a step's technique with the parameters that were set, such as ``INT8 static (entropy)``."""
    known = passes().get(step.pass_id)
    name = pass_name(step.pass_id)
    details = ", ".join(_value(known, key, value) for key, value in step.params.items())
    return f"{name} ({details})" if details else name


def is_named(step: Step) -> bool:
    """Whether names of recipes tell a step: of conversions only those with parameters."""
    known = passes().get(step.pass_id)
    return known is None or not known.converts or bool(step.params)


def runtime_name(recipe: Recipe) -> str:
    """Return the name of the runtime a recipe runs on."""
    known = runtimes().get(recipe.target.runtime_id)
    return known.name if known else recipe.target.runtime_id


def technique(recipe: Recipe, precision: str) -> str:
    """Return what a recipe does to a model of `precision`, without exports and conversions."""
    steps = [step_name(step) for step in recipe.steps if is_named(step)]
    if not steps and recipe.steps and _keeps_format(recipe.steps[0]):
        # Of an uploaded file it would be the name of the baseline.
        return step_name(recipe.steps[0])
    return " + ".join(steps) if steps else precision


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
