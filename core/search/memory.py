"""Memory estimate: what surely will not fit is refused before it is built or measured."""

from __future__ import annotations

from math import prod

from core.domain.model import SourceModel
from core.domain.recipe import Artifact, Recipe
from core.domain.run import Result
from core.errors import PassNotApplicable
from core.registry import get_pass
from core.settings import get_settings

LIBRARIES = 400e6
"""Bytes of a process that has imported the libraries it works with."""
ELEMENT = 4
"""Bytes of a number, roughly."""
HINT = "Use a machine with more memory, or a smaller model."


def building_bytes(model: SourceModel, recipe: Recipe) -> float:
    """Return the memory that the heaviest step of `recipe` takes, roughly."""
    copies = max((get_pass(step.pass_id).weights_held for step in recipe.steps), default=0.0)
    return LIBRARIES + copies * model.size_bytes if copies else 0.0


def session_bytes(
    model: SourceModel, batch: int, baseline: Result | None = None, artifact: Artifact | None = None
) -> float:
    """Return the memory of a process that runs an artifact of `model`, roughly.

    The weights, and what flows between layers: as much as the baseline was seen to take for that, else the
    inputs and outputs alone.

    Args:
        model: The source model.
        batch: Rows of a call.
        baseline: What was measured of the model itself.
        artifact: What runs; the model itself if not given.
    """
    between = float(_interface_bytes(model, batch))
    if baseline is not None:
        between = max(between, float(baseline.timing.memory_bytes - model.size_bytes))
    return LIBRARIES + (artifact or model).size_bytes + between


def check_memory(model: SourceModel, recipe: Recipe, memory_bytes: int) -> None:
    """Refuse a recipe whose building or measuring takes more than there is.

    Args:
        model: The source model.
        recipe: Steps and target.
        memory_bytes: Of the machine.

    Raises:
        PassNotApplicable: With the estimate and the limit.
    """
    building = building_bytes(model, recipe)
    _check("Building it", building, memory_bytes, alone=building)
    check_session(model, recipe, memory_bytes)


def check_session(
    model: SourceModel,
    recipe: Recipe,
    memory_bytes: int,
    baseline: Result | None = None,
    artifact: Artifact | None = None,
) -> None:
    """Refuse to measure what does not fit beside the baseline, which is loaded with it.

    Args:
        model: The source model.
        recipe: Its target holds the batch.
        memory_bytes: What both may take.
        baseline: What was measured of the model itself.
        artifact: What runs.

    Raises:
        PassNotApplicable: With the estimate and the limit.
    """
    ours, theirs = (session_bytes(model, recipe.target.batch, baseline, each) for each in (artifact, None))
    _check("Measuring it beside your model", ours + theirs, memory_bytes, alone=max(ours, theirs))


def _check(what: str, needed: float, there: int, alone: float) -> None:
    """Refuse `needed` bytes where the machine has fewer, or `alone` where one process may not take them."""
    most = get_settings().child_memory_bytes
    if needed > there:
        raise PassNotApplicable(
            f"{what} takes about {needed / 1e9:.1f} GB of memory, and {there / 1e9:.1f} GB are there.",
            hint=HINT,
        )
    if alone > most:
        raise PassNotApplicable(
            f"{what} takes a process of about {alone / 1e9:.1f} GB, and one may take {most / 1e9:.1f} GB.",
            hint="Raise WHETSTONE_CHILD_MEMORY_BYTES where the machine has more, or use a smaller model.",
        )


def _interface_bytes(model: SourceModel, batch: int) -> int:
    symbols = dict(model.symbols)
    if model.batch_symbol is not None:
        symbols[model.batch_symbol] = batch
    specs = (*model.inputs, *model.outputs)
    return ELEMENT * sum(prod(spec.resolve(symbols)) for spec in specs)
