"""Manual selection: a grid of techniques and runtimes becomes recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import streamlit as st

from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.errors import WhetstoneError
from core.protocols import Runtime
from core.registry import get_pass, runtimes
from core.search import recipe_files
from core.search.names import recipe_name
from core.search.paths import path_to, worth_building
from core.search.spelling import parse, spell
from core.views import ModelView, TechniqueRow, Topics
from pages.format import plain
from pages.widgets.chain import OFFERED, chain_builder, offer_key
from pages.widgets.learn_link import learn_name
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
        others: Recipes that the grid cannot show, such as chains.
    """

    cells: frozenset[tuple[str, str]] = frozenset()
    params: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    others: tuple[Recipe, ...] = ()


def ticks_of(model: SourceModel, recipes: Sequence[Recipe]) -> Ticks:
    """Return the cells and settings from which the grid makes `recipes`."""
    cells: set[tuple[str, str]] = set()
    params: dict[str, dict[str, Any]] = {}
    others = []
    for recipe in recipes:
        target = recipe.target
        steps = [step for step in recipe.steps if not get_pass(step.pass_id).bridges] or [Step("")]
        made = recipes_of(
            model, [(steps if steps[0].pass_id else (), target.runtime_id)], target.threads, target.batch
        )
        last = steps[-1]
        if (
            made == (recipe,)
            and len(steps) == 1
            and params.setdefault(last.pass_id, last.params) == last.params
        ):
            cells.add((last.pass_id, target.runtime_id))
        else:
            others.append(recipe)
    return Ticks(frozenset(cells), params, tuple(others))


def _cell(model: SourceModel, row: TechniqueRow | None, runtime: Runtime, key: str, ticked: bool) -> bool:
    steps = () if row is None else (Step(row.id),)
    possible = worth_building(runtime) and (row is None or row.applicable)
    if not possible or path_to(model.format, steps, runtime) is None:
        st.markdown(":gray[✗]")
        return False
    label = f"{row.name if row else 'FP32'} on {runtime.name}"
    return bool(st.checkbox(label, value=ticked, key=key, label_visibility="collapsed"))


def _heads(shown: Sequence[Runtime], widths: Sequence[float]) -> None:
    first, *columns = st.columns(widths)
    first.markdown("**Technique**")
    for column, runtime in zip(columns, shown, strict=True):
        found = runtime.available()
        column.markdown(f"**{runtime.name}**", help=None if found.ok else f"{found.reason} {found.install}")


def _line(
    model: SourceModel,
    row: TechniqueRow | None,
    shown: Sequence[Runtime],
    widths: Sequence[float],
    start: Ticks,
) -> list[tuple[str, str]]:
    head, *columns = st.columns(widths, vertical_alignment="center")
    if row is None:
        head.markdown("FP32, only converted")
    elif row.applicable:
        head.markdown(learn_name(Topics.TECHNIQUE, row.id, row.name), help=row.summary)
    else:
        head.markdown(f":gray[{row.name}]", help=plain(f"{row.reason} {row.hint}"))
    id, ticked = row.id if row else "", []
    for column, runtime in zip(columns, shown, strict=True):
        with column:
            if _cell(
                model, row, runtime, f"cell_{id or PLAIN}_{runtime.id}", (id, runtime.id) in start.cells
            ):
                ticked.append((id, runtime.id))
    return ticked


def grid(view: ModelView, start: Ticks) -> list[tuple[tuple[Step, ...], str]]:
    """Draw techniques against runtimes; return each ticked pair as its steps and its runtime."""
    usable = [row for row in view.techniques if not get_pass(row.id).bridges]
    led = {*view.runtimes, *(each for row in usable if row.applicable for each in row.runtimes)}
    shown = [each for key, each in runtimes().items() if key in led]
    widths = [3, *([1.3] * len(shown))]
    with st.container(border=True, gap="xsmall"):
        _heads(shown, widths)
        lines = [_line(view.model, row, shown, widths, start) for row in (None, *usable)]
        st.caption(
            "✗: not for this model (rest the pointer on the technique for the reason), or nothing that this "
            "runtime could run."
        )
    pairs = [pair for line in lines for pair in line]
    params = _settings([row for row in usable if row.id in {id for id, _ in pairs}], start)
    return [((Step(id, params[id]),) if id else (), runtime) for id, runtime in pairs]


def _settings(ticked: Sequence[TechniqueRow], start: Ticks) -> dict[str, dict[str, Any]]:
    """Draw the settings of the techniques that are ticked, and return those that are no default."""
    adjustable = [row for row in ticked if fields(get_pass(row.id).Params)]
    params: dict[str, dict[str, Any]] = {row.id: {} for row in ticked}
    if not adjustable:
        return params
    with st.expander("Settings of what is ticked", icon=":material/tune:", expanded=True):
        for row in adjustable:
            st.markdown(f"**{row.name}**")
            with st.grid(4, min_column_width=200):
                params[row.id] = params_form(
                    get_pass(row.id).Params, key=f"by_hand_{row.id}", start=start.params.get(row.id)
                )
    return params


def by_hand(view: ModelView, chosen: Sequence[Recipe], threads: int, batch: int) -> tuple[Recipe, ...]:
    """Draw the grid and what it cannot show, beginning with `chosen`; return what is ticked now."""
    start = ticks_of(view.model, chosen)
    ticked = recipes_of(view.model, grid(view, start), threads, batch)
    place = st.container()
    with st.expander("Chain several techniques", icon=":material/link:"):
        chain_builder(view, threads, batch)
        uploaded = {spell(each): each for each in _from_files(view.model, threads, batch)}
    # What was unticked stays on offer: it cannot be put together from the grid again.
    offered: dict[str, Recipe] = st.session_state.setdefault(f"{OFFERED}{view.model.id}", {})
    now = {spell(each): each for each in start.others}
    offered |= now | uploaded
    with place:
        kept = [
            each
            for key, each in offered.items()
            if st.checkbox(
                plain(recipe_name(each)), key in now or key in uploaded, key=offer_key(view.model.id, key)
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
