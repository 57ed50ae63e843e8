"""An uploaded model and what can and cannot be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.errors import WhetstoneError
from core.machine.environment import environment
from core.protocols import Opener, Pass
from core.registry import get_format, passes, runtimes
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
    """

    id: str
    name: str
    summary: str
    applicable: bool
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ModelView:
    """A model with its techniques.

    Attributes:
        model: As it was described.
        techniques: Each with whether it applies.
        runtimes: Ids of the runtimes that open the model's format or one that some technique makes of it.
    """

    model: SourceModel
    techniques: tuple[TechniqueRow, ...]
    runtimes: tuple[str, ...]


def _reachable(format_: str) -> set[str]:
    """Return the formats that some chain of techniques makes of `format_`, itself among them."""
    found: set[str] = set()
    waiting = [format_]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += [each.produces[current] for each in passes().values() if current in each.accepts]
    return found


def _technique(model: SourceModel, technique: Pass, here: Environment) -> TechniqueRow:
    labels = technique.id, technique.name, technique.summary
    if not technique.accepts & _reachable(model.format):
        needs = " or ".join(get_format(each).name for each in sorted(technique.accepts))
        reason = f"It needs {needs}, and this model is {get_format(model.format).name}."
        return TechniqueRow(*labels, False, reason, "Upload the model in that format to use it.")
    try:
        technique.requires(model, here, technique.Params())
    except WhetstoneError as error:
        return TechniqueRow(*labels, False, error.message, error.hint)
    return TechniqueRow(*labels, True)


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
    reachable = _reachable(model.format)
    opened = tuple(key for key, each in runtimes().items() if each.formats & reachable)
    rows = [(each, _technique(model, each, here)) for each in worth]
    told = tuple(row for each, row in rows if row.applicable or not isinstance(each, Opener))
    return ModelView(model, told, opened)
