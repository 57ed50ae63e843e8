"""Manual selection: a grid of techniques and runtimes becomes recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.domain.technique import Kind
from core.errors import WhetstoneError
from core.protocols import Runtime
from core.registry import get_pass, runtimes
from core.search import recipe_files
from core.search.names import recipe_name
from core.search.paths import path_to, worth_building
from core.search.spelling import parse, spell
from core.views import ModelView, TechniqueRow
from pages.format import plain
from pages.widgets.params import params_form

PLAIN = "plain"


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


@dataclass(frozen=True)
class Ticks:
    """Initial state of the grid: what was chosen before.

    Attributes:
        cells: Technique (empty for none) and runtime of each ticked cell.
        params: Parameters by technique.
        after: The technique that comes first, by technique.
        others: Recipes that the grid cannot show, such as longer chains.
    """

    cells: frozenset[tuple[str, str]] = frozenset()
    params: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Recipe, ...] = ()


def ticks_of(model: SourceModel, recipes: Sequence[Recipe]) -> Ticks:
    """Return the cells and settings from which the grid makes `recipes`."""
    cells: set[tuple[str, str]] = set()
    settings: dict[str, tuple[dict[str, Any], str]] = {}
    others = []
    for recipe in recipes:
        target = recipe.target
        *first, last = [step for step in recipe.steps if not get_pass(step.pass_id).bridges] or [Step("")]
        before = first[0].pass_id if first else ""
        steps = (*(Step(each.pass_id) for each in first), *([last] if last.pass_id else []))
        made = recipes_of(model, [(steps, target.runtime_id)], target.threads, target.batch)
        told = last.params, before
        if made == (recipe,) and len(first) < 2 and settings.setdefault(last.pass_id, told) == told:
            cells.add((last.pass_id, target.runtime_id))
        else:
            others.append(recipe)
    params = {key: told for key, (told, _) in settings.items()}
    return Ticks(
        frozenset(cells), params, {key: first for key, (_, first) in settings.items()}, tuple(others)
    )


def _cell(model: SourceModel, row: TechniqueRow | None, runtime: Runtime, key: str, ticked: bool) -> bool:
    steps = () if row is None else (Step(row.id),)
    possible = worth_building(runtime) and (row is None or row.applicable)
    if not possible or path_to(model.format, steps, runtime) is None:
        st.markdown(":gray[–]")
        return False
    label = f"{row.name if row else 'FP32'} on {runtime.name}"
    return bool(st.checkbox(label, value=ticked, key=key, label_visibility="collapsed"))


def _settings(
    row: TechniqueRow, before: Sequence[TechniqueRow], start: Ticks
) -> tuple[dict[str, Any], str | None]:
    technique = get_pass(row.id)
    with st.popover(row.name, type="tertiary", icon=":material/tune:", key=f"settings_{row.id}"):
        st.caption(row.summary)
        values = params_form(technique.Params, key=f"by_hand_{row.id}", start=start.params.get(row.id))
        choices = ["", *(other.id for other in before if other.id != row.id)]
        names = {other.id: other.name for other in before}
        then = start.after.get(row.id, "")
        first = st.selectbox(
            "After",
            choices,
            choices.index(then) if then in choices else 0,
            format_func=lambda key: names.get(key, "nothing else"),
            key=f"after_{row.id}",
        )
    return values, first or None


def _heads(shown: Sequence[Runtime], widths: Sequence[float]) -> None:
    first, *columns = st.columns(widths)
    first.markdown("**Technique**")
    for column, runtime in zip(columns, shown, strict=True):
        found = runtime.available()
        column.markdown(f"**{runtime.name}**", help=None if found.ok else f"{found.reason} {found.install}")


def _line(
    model: SourceModel,
    row: TechniqueRow | None,
    pruning: Sequence[TechniqueRow],
    shown: Sequence[Runtime],
    widths: Sequence[float],
    start: Ticks,
) -> list[tuple[tuple[Step, ...], str]]:
    head, *columns = st.columns(widths, vertical_alignment="center")
    steps: tuple[Step, ...] = ()
    with head:
        if row is None:
            st.markdown(":small[FP32, only converted]")
        elif row.applicable:
            values, first = _settings(row, pruning, start)
            steps = (*((Step(first),) if first else ()), Step(row.id, values))
        else:
            st.markdown(f":gray[{row.name}]", help=plain(f"{row.reason} {row.hint}"))
    ticked = []
    for column, runtime in zip(columns, shown, strict=True):
        place = (row.id if row else "", runtime.id)
        with column:
            if _cell(
                model, row, runtime, f"cell_{row.id if row else PLAIN}_{runtime.id}", place in start.cells
            ):
                ticked.append((steps, runtime.id))
    return ticked


def grid(view: ModelView, start: Ticks) -> list[tuple[tuple[Step, ...], str]]:
    """Draw techniques against runtimes; return each ticked pair as its steps and its runtime."""
    usable = [row for row in view.techniques if not get_pass(row.id).bridges]
    pruning = [row for row in usable if get_pass(row.id).kind is Kind.PRUNING and row.applicable]
    led = {*view.runtimes, *(each for row in usable if row.applicable for each in row.runtimes)}
    shown = [each for key, each in runtimes().items() if key in led]
    widths = [3, *([1.3] * len(shown))]
    with st.container(border=True, gap="xsmall"):
        _heads(shown, widths)
        lines = [_line(view.model, row, pruning, shown, widths, start) for row in (None, *usable)]
        st.caption("– : not for this model, or nothing that this runtime could run.")
    return [pair for line in lines for pair in line]


def by_hand(view: ModelView, chosen: Sequence[Recipe], threads: int, batch: int) -> tuple[Recipe, ...]:
    """Draw the grid and what it cannot show, beginning with `chosen`; return what is ticked now."""
    start = ticks_of(view.model, chosen)
    ticked = recipes_of(view.model, grid(view, start), threads, batch)
    # What was unticked stays on offer: it cannot be put together from the grid again.
    offered: dict[str, Recipe] = st.session_state.setdefault(f"others_{view.model.id}", {})
    now = {spell(each): each for each in start.others}
    uploaded = {spell(each): each for each in _from_files(view.model, threads, batch)}
    offered |= now | uploaded
    kept = [
        each
        for key, each in offered.items()
        if st.checkbox(
            plain(recipe_name(each)), key in now or key in uploaded, key=f"other_{view.model.id}_{key}"
        )
    ]
    again = (*ticked, *(parse(spell(each), threads, batch) for each in kept))
    return tuple({spell(each): each for each in again}.values())


def _from_files(model: SourceModel, threads: int, batch: int) -> list[Recipe]:
    """Draw the upload of recipe files; return what they say, with the conversions that the model needs."""
    given = st.file_uploader(
        "Recipe files",
        ["yaml", "yml", "json"],
        accept_multiple_files=True,
        key=f"recipe_files_{model.id}",
        help="YAML, as downloaded from a candidate's page.",
    )
    found = []
    for file in given:
        try:
            text = file.read(recipe_files.LARGEST + 1).decode(errors="replace")
            found.append(recipe_files.fitted(recipe_files.load(text, threads, batch), model))
        except WhetstoneError as error:
            st.error(f"{plain(file.name)}: {plain(error.message)} {plain(error.hint)}")
    return found
