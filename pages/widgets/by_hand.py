"""Choosing by hand: a grid of techniques and runtimes becomes recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.protocols import Runtime
from core.registry import get_pass, passes, runtimes
from core.views import TechniqueRow
from pages.widgets.format import plain
from pages.widgets.params import params_form

CONVERSIONS = ("export_onnx", "convert_openvino", "export_torchscript")
PLAIN = "plain"


def path_to(start: str, steps: Sequence[Step], runtime: Runtime) -> tuple[Step, ...] | None:
    """Return `steps` with the fewest conversions that lead from format `start` to `runtime`, or None.

    A conversion may stand before, between and after the techniques; breadth first, so that the shortest
    way wins.
    """
    waiting: list[tuple[str, int, tuple[Step, ...]]] = [(start, 0, ())]
    seen = set()
    while waiting:
        form, taken, made = waiting.pop(0)
        if (form, taken) in seen:
            continue
        seen.add((form, taken))
        if taken == len(steps):
            if form in runtime.formats:
                return made
        elif form in get_pass(steps[taken].pass_id).accepts:
            step = steps[taken]
            waiting.append((get_pass(step.pass_id).produces[form], taken + 1, (*made, step)))
        for name in CONVERSIONS:
            found = passes().get(name)
            if found is not None and form in found.accepts and found.produces[form] != form:
                waiting.append((found.produces[form], taken, (*made, Step(name))))
    return None


def recipes_of(
    model: SourceModel, chosen: Sequence[tuple[Sequence[Step], str]], threads: int, batch: int
) -> tuple[Recipe, ...]:
    """Return a recipe for each chosen pair of techniques and runtime that a path leads to."""
    made = []
    for steps, runtime_id in chosen:
        path = path_to(model.format, steps, runtimes()[runtime_id])
        if path is not None:
            made.append(Recipe(path, Target(runtime_id, "cpu", threads, batch)))
    return tuple(made)


def _cell(model: SourceModel, row: TechniqueRow | None, runtime: Runtime, key: str) -> bool:
    steps = () if row is None else (Step(row.id),)
    possible = runtime.available().ok and (row is None or row.applicable)
    if not possible or path_to(model.format, steps, runtime) is None:
        st.markdown(":gray[–]")
        return False
    label = f"{row.name if row else 'As it is'} on {runtime.name}"
    return bool(st.checkbox(label, key=key, label_visibility="collapsed"))


def _settings(row: TechniqueRow, before: Sequence[TechniqueRow]) -> tuple[dict[str, Any], str | None]:
    technique = get_pass(row.id)
    with st.popover(row.name, type="tertiary", icon=":material/tune:", key=f"settings_{row.id}"):
        st.caption(row.summary)
        values = params_form(technique.Params, key=f"by_hand_{row.id}")
        others = [other.id for other in before if other.id != row.id]
        names = {other.id: other.name for other in before}
        first = st.selectbox(
            "After",
            ["", *others],
            format_func=lambda key: names.get(key, "nothing else"),
            key=f"after_{row.id}",
        )
    return values, first or None


def _heads(widths: Sequence[float]) -> None:
    first, *columns = st.columns(widths)
    first.markdown("**Technique**")
    for column, runtime in zip(columns, runtimes().values(), strict=True):
        found = runtime.available()
        column.markdown(f"**{runtime.name}**", help=None if found.ok else f"{found.reason} {found.install}")


def _line(
    model: SourceModel, row: TechniqueRow | None, pruning: Sequence[TechniqueRow], widths: Sequence[float]
) -> list[tuple[tuple[Step, ...], str]]:
    head, *columns = st.columns(widths, vertical_alignment="center")
    steps: tuple[Step, ...] = ()
    with head:
        if row is None:
            st.markdown("As it is, only converted")
        elif row.applicable:
            values, first = _settings(row, pruning)
            steps = (*((Step(first),) if first else ()), Step(row.id, values))
        else:
            st.markdown(f":gray[{row.name}]", help=plain(f"{row.reason} {row.hint}"))
    ticked = []
    for column, (runtime_id, runtime) in zip(columns, runtimes().items(), strict=True):
        with column:
            if _cell(model, row, runtime, f"cell_{row.id if row else PLAIN}_{runtime_id}"):
                ticked.append((steps, runtime_id))
    return ticked


def grid(model: SourceModel, techniques: Sequence[TechniqueRow]) -> list[tuple[tuple[Step, ...], str]]:
    """Draw techniques against runtimes; return each ticked pair as its steps and its runtime."""
    usable = [row for row in techniques if row.id not in CONVERSIONS]
    pruning = [row for row in usable if row.id.startswith("prune") and row.applicable]
    widths = [3, *([1.3] * len(runtimes()))]
    with st.container(border=True, gap="xsmall"):
        _heads(widths)
        chosen = [pair for row in (None, *usable) for pair in _line(model, row, pruning, widths)]
        st.caption("– : not for this model, or nothing that this runtime could run.")
    return chosen
