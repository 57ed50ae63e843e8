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


def _chosen(step: Step, known: Pass | None) -> dict[str, Any]:
    """Return the parameters of a step that are no defaults, and strengths, which say how much is done."""
    settings = fields(known.Params) if known else ()
    own = {each.name: each.default for each in settings if not each.metadata.get("strength")}
    return {name: value for name, value in step.params.items() if name not in own or value != own[name]}


def step_name(step: Step) -> str:
    """Return a step's technique with the parameters that were chosen, such as ``INT8 static (entropy)``."""
    known = passes().get(step.pass_id)
    name = pass_name(step.pass_id)
    details = ", ".join(_value(known, key, value) for key, value in _chosen(step, known).items())
    return f"{name} ({details})" if details else name


def is_named(step: Step) -> bool:
    """Whether names of recipes tell a step: of conversions only those with chosen parameters."""
    known = passes().get(step.pass_id)
    return known is None or not known.converts or bool(_chosen(step, known))


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
