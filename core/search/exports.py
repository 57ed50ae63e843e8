"""Exports: their spelling such as ``litert:int8_static``, options, and the recipes that lead to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any

from core.domain.export import Export, ExportPrecision, Option
from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.errors import InvalidRequest
from core.params import make
from core.protocols import ExportTarget
from core.registry import get_pass, get_runtime, get_target, targets
from core.search.paths import path_to
from core.search.spelling import value_of


def parse_export(text: str) -> Export:
    """Return the export that ``litert:int8_static`` spells; a target alone means its default precision.

    Behind it may stand options, ``onnx:fp16:opset=17,weights=beside``; which there are depends on the model's
    way to the target, see `export_recipe`.

    Raises:
        InvalidRequest: There is no such target, or it has no such precision.
    """
    name, *further = (part.strip() for part in text.strip().split(":"))
    options = further.pop() if further and "=" in further[-1] else ""
    if name not in targets():
        raise InvalidRequest(
            f"There is no export target {name!r}.",
            hint=f"Known: {', '.join(targets())}; with a precision such as onnx:int8_static.",
        )
    target, precision = get_target(name), ":".join(further)
    return Export(
        target.id, _precision(target, precision) if precision else target.default, _options(options)
    )


def _precision(target: ExportTarget, text: str) -> ExportPrecision:
    known = ", ".join(target.precisions)
    if text not in list(ExportPrecision):
        raise InvalidRequest(f"There is no precision {text!r}.", hint=f"{target.name} has: {known}.")
    chosen = ExportPrecision(text)
    if chosen not in target.precisions:
        why = target.lacks.get(chosen, f"{target.name} has no {chosen.label}.")
        raise InvalidRequest(
            f"{target.id}:{text} is not possible: {why}", hint=f"{target.name} has: {known}."
        )
    return chosen


def _options(text: str) -> tuple[tuple[str, Option], ...]:
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    return tuple((name.strip(), _plain(value.strip())) for name, _, value in pairs)


def _plain(text: str) -> Option:
    """Return one value; lists and objects are no values of an option, and stay the text that they are."""
    found = value_of(text)
    return text if isinstance(found, list | dict) else found


def target_of(export: Export) -> ExportTarget | None:
    """Return the target of an export; None where it is not known (any more)."""
    return targets().get(export.target)


def parse_exports(texts: Sequence[str]) -> tuple[Export, ...]:
    """Return the exports that `texts` spell, several in one with commas between them, each once.

    Raises:
        InvalidRequest: One of them does not exist, or there is none.
    """
    parts: list[str] = []
    for part in (part for text in texts for part in text.split(",") if part.strip()):
        if "=" in part and ":" not in part and parts:
            parts[-1] += f",{part}"  # a further option of the export before it
        else:
            parts.append(part)
    if not parts:
        raise InvalidRequest(
            "No export target is named.", hint=f"Name some, such as onnx:fp16. Known: {', '.join(targets())}."
        )
    return tuple(dict.fromkeys(parse_export(part) for part in parts))


def export_recipe(export: Export, model: SourceModel, threads: int = 1, batch: int = 1) -> Recipe:
    """Return the recipe of an export with the conversions that `model` needs.

    Where no way leads to the target, its own steps come back, which planning refuses with the reason.

    Raises:
        InvalidRequest: There is no such option on the way, or it has no such value.
    """
    target = get_target(export.target)
    steps = list(_way(export, model))
    known = export_options(export, model)
    for name, value in export.options:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise InvalidRequest(
                f"{export.plain} has no option {name!r}.", hint=f"Its options for this model: {listed}."
            )
        at, _ = known[name]
        steps[at] = Step(steps[at].pass_id, steps[at].params | {name: value})
        try:
            make(get_pass(steps[at].pass_id).Params, steps[at].params)
        except InvalidRequest as error:
            raise InvalidRequest(f"{export.plain}: {error.message}", hint=error.hint) from error
    return Recipe(tuple(steps), Target(target.runtime, "cpu", threads, batch))


def export_options(export: Export, model: SourceModel) -> dict[str, tuple[int, Field[Any]]]:
    """Return what may be asked of an export besides its precision, by name: which step, and its parameter.

    These are the parameters of the techniques that lead to it, less what makes up the precision. Where two
    have one of the same name, the later has the last word.
    """
    own = {name for step in get_target(export.target).precisions[export.precision] for name in step.params}
    return {
        each.name: (at, each)
        for at, step in enumerate(_way(export, model))
        for each in fields(get_pass(step.pass_id).Params)
        if each.name not in own and not each.metadata.get("precision")
    }


def _way(export: Export, model: SourceModel) -> tuple[Step, ...]:
    target = get_target(export.target)
    steps = target.precisions[export.precision]
    path = path_to(model.format, steps, get_runtime(target.runtime), target.format)
    return tuple(steps if path is None else path)
