"""Exports: their spelling such as ``litert:int8_static``, and the recipes that lead to them."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.export import Export, ExportPrecision
from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Target
from core.errors import InvalidRequest
from core.protocols import ExportTarget
from core.registry import get_runtime, get_target, targets
from core.search.paths import path_to


def parse_export(text: str) -> Export:
    """Return the export that ``litert:int8_static`` spells; a target alone means its default precision.

    Raises:
        InvalidRequest: There is no such target, or it has no such precision.
    """
    name, _, precision = text.strip().partition(":")
    if name not in targets():
        raise InvalidRequest(
            f"There is no export target {name!r}.",
            hint=f"Known: {', '.join(targets())}; with a precision such as onnx:int8_static.",
        )
    target = get_target(name)
    if not precision:
        return Export(target.id, target.default)
    known = ", ".join(target.precisions)
    if precision not in list(ExportPrecision):
        raise InvalidRequest(f"There is no precision {precision!r}.", hint=f"{target.name} has: {known}.")
    chosen = ExportPrecision(precision)
    if chosen not in target.precisions:
        why = target.lacks.get(chosen, f"{target.name} has no {chosen.label}.")
        raise InvalidRequest(
            f"{name}:{precision} is not possible: {why}", hint=f"{target.name} has: {known}."
        )
    return Export(target.id, chosen)


def target_of(export: Export) -> ExportTarget | None:
    """Return the target of an export; None where it is not known (any more)."""
    return targets().get(export.target)


def parse_exports(texts: Sequence[str]) -> tuple[Export, ...]:
    """Return the exports that `texts` spell, several in one with commas between them, each once.

    Raises:
        InvalidRequest: One of them does not exist, or there is none.
    """
    parts = [part for text in texts for part in text.split(",") if part.strip()]
    if not parts:
        raise InvalidRequest(
            "No export target is named.", hint=f"Name some, such as onnx:fp16. Known: {', '.join(targets())}."
        )
    return tuple(dict.fromkeys(parse_export(part) for part in parts))


def export_recipe(export: Export, model: SourceModel, threads: int = 1, batch: int = 1) -> Recipe:
    """Return the recipe of an export with the conversions that `model` needs.

    Where no way leads to the target, its own steps come back, which planning refuses with the reason.
    """
    target = get_target(export.target)
    steps = target.precisions[export.precision]
    path = path_to(model.format, steps, get_runtime(target.runtime), target.format)
    return Recipe(tuple(steps if path is None else path), Target(target.runtime, "cpu", threads, batch))
