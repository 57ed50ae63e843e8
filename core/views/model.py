"""An uploaded model and what can and cannot be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.errors import WhetstoneError
from core.machine.environment import environment
from core.protocols import Opener, Pass
from core.registry import get_format, passes, runtimes
from core.search.paths import path_to
from core.store.store import Store


@dataclass(frozen=True)
class TechniqueRow:
    """A technique and whether it applies to a model.

    Attributes:
        id: Of the pass.
        name: For people.
        summary: What it does and what it costs.
        applicable: Nothing known speaks against it.
        reason: Why not.
        hint: What to do about it.
        runtimes: Ids of those that run what it makes of the model, with the conversions that this takes.
    """

    id: str
    name: str
    summary: str
    applicable: bool
    reason: str = ""
    hint: str = ""
    runtimes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelView:
    """A model with its techniques.

    Attributes:
        model: As it was described.
        techniques: Each with whether it applies.
        runtimes: Ids of the runtimes that run the model as it is, converted or exported.
    """

    model: SourceModel
    techniques: tuple[TechniqueRow, ...]
    runtimes: tuple[str, ...]


def _runtimes(model: SourceModel, *steps: Step) -> tuple[str, ...]:
    """Return the ids of the runtimes to which a model can be brought with `steps`."""
    return tuple(key for key, each in runtimes().items() if path_to(model.format, steps, each) is not None)


def _technique(model: SourceModel, technique: Pass, here: Environment) -> TechniqueRow:
    labels = technique.id, technique.name, technique.summary
    led = _runtimes(model, Step(technique.id))
    if not led:
        needs = " or ".join(get_format(each).name for each in sorted(technique.accepts))
        reason = f"It needs {needs}, and this model is {get_format(model.format).name}."
        return TechniqueRow(*labels, False, reason, "Upload the model in that format to use it.")
    try:
        technique.requires(model, here, technique.Params())
    except WhetstoneError as error:
        return TechniqueRow(*labels, False, error.message, error.hint)
    return TechniqueRow(*labels, True, runtimes=led)


def _only_converts(technique: Pass, form: str) -> bool:
    """Whether all that a technique does is to lead to a format that the model is in already."""
    return form not in technique.accepts and set(technique.produces.values()) == {form}


def model_view(store: Store, model_id: str) -> ModelView:
    """Return a model with each technique and whether it applies here.

    Conversions to the format that the model is in already are left out, and techniques that open the way for
    others where this model needs none.

    Raises:
        NotFound: There is no such model.
    """
    model = store.models.get(model_id)
    here = environment()
    worth = [each for each in passes().values() if not _only_converts(each, model.format)]
    rows = [(each, _technique(model, each, here)) for each in worth]
    told = tuple(row for each, row in rows if row.applicable or not isinstance(each, Opener))
    exports = (row for each, row in rows if each.converts and row.applicable and not each.leads_back)
    exported = {key for row in exports for key in row.runtimes}
    opened = exported | set(_runtimes(model))
    return ModelView(model, told, tuple(key for key in runtimes() if key in opened))
