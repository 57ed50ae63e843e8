"""Recipe builder: techniques in a chain, checked with every pick, or spelled as on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from core import engine
from core.domain.recipe import Recipe, Step, Target
from core.domain.run import RunRequest
from core.errors import ErrorRecord, WhetstoneError
from core.registry import get_pass, runtimes
from core.search.names import pass_name, recipe_name
from core.search.paths import path_to, worth_building
from core.search.recipe_files import fitted
from core.search.spelling import parse, spell
from core.views import ModelView
from pages.format import plain
from pages.widgets.page import store
from pages.widgets.params import params_form

OFFERED = "others_"
LONGEST = 6


def offer_key(model_id: str, spelled: str) -> str:
    """Return the key of the tick of a recipe that the grid cannot show."""
    return f"other_{model_id}_{spelled}"


def chain_builder(view: ModelView, threads: int, batch: int) -> None:
    """Draw the builder; what is added is offered and ticked among the recipes of the page."""
    key = f"chain_{view.model.id}"
    names = {row.id: row.name for row in view.techniques if not get_pass(row.id).bridges}
    left, right = st.columns([3, 1])
    ids = left.multiselect(
        "Techniques, in their order",
        list(names),
        format_func=names.__getitem__,
        max_selections=LONGEST,
        key=f"{key}_steps",
        placeholder="Such as channel pruning, then fine-tuning, then INT8",
    )
    known = {each.id: each.name for each in runtimes().values() if worth_building(each)}
    runtime = str(
        right.selectbox("Runtime", list(known), format_func=known.__getitem__, key=f"{key}_runtime")
    )
    steps = _with_settings(ids, key)
    spelled = st.text_input(
        "Or spelled as on the command line",
        placeholder="prune_channels:ratio=0.3+fine_tune+int8_static_ort@onnxruntime",
        key=f"{key}_text",
        help="Conversions are put in where they are needed. Press Enter to have it checked.",
    )
    recipe, problem = _made(view, steps, runtime, spelled.strip(), threads, batch)
    if problem is not None:
        st.markdown(f":orange[:material/block:] {plain(problem.message)} :gray[{plain(problem.hint)}]")
    elif recipe is not None:
        path = " → ".join(pass_name(step.pass_id) for step in recipe.steps) or "only converted"
        st.markdown(f":green[:material/check_circle:] **{plain(recipe_name(recipe))}** :gray[{path}]")
    usable = recipe if problem is None else None
    st.button(
        "Add this chain",
        icon=":material/add:",
        disabled=usable is None,
        help=None if usable else "Choose or spell techniques that can follow each other.",
        key=f"{key}_add",
        on_click=_add,
        args=(view.model.id, usable),
    )


def _with_settings(ids: Sequence[str], key: str) -> tuple[Step, ...]:
    steps = []
    for at, id in enumerate(ids):
        params: dict[str, Any] = {}
        if fields(get_pass(id).Params):
            st.markdown(f"{at + 1}. **{pass_name(id)}**")
            with st.grid(4, min_column_width=200):
                params = params_form(get_pass(id).Params, key=f"{key}_{id}")
        steps.append(Step(id, params))
    return tuple(steps)


def _made(
    view: ModelView, steps: tuple[Step, ...], runtime: str, spelled: str, threads: int, batch: int
) -> tuple[Recipe | None, ErrorRecord | None]:
    """Return the recipe with its conversions, and what speaks against it."""
    if not steps and not spelled:
        return None, None
    try:
        if spelled:
            recipe = fitted(parse(spelled, threads, batch), view.model)
        else:
            path = path_to(view.model.format, steps, runtimes()[runtime])
            if path is None:
                return None, _no_way(view, steps, runtime)
            recipe = Recipe(path, Target(runtime, "cpu", threads, batch))
        return recipe, _refusal(view.model.id, recipe, threads, batch)
    except WhetstoneError as error:
        return None, error.to_record()


def _no_way(view: ModelView, steps: Sequence[Step], runtime: str) -> ErrorRecord:
    """Say which technique is the first after which no way leads to the runtime."""
    open_ = [
        at for at in range(len(steps)) if path_to(view.model.format, steps[: at + 1], runtimes()[runtime])
    ]
    at = len(open_)
    after = f" after {pass_name(steps[at - 1].pass_id)}" if at else ""
    return ErrorRecord(
        "no_way",
        f"{pass_name(steps[min(at, len(steps) - 1)].pass_id)} cannot stand here{after} for "
        f"{runtimes()[runtime].name}.",
        "Put it elsewhere in the order, leave it out, or choose another runtime.",
    )


@st.cache_data(ttl=60, show_spinner=False)
def _refusal(model_id: str, recipe: Recipe, threads: int, batch: int) -> ErrorRecord | None:
    """Return why the plan would refuse the recipe."""
    plan = engine.plan(store(), RunRequest(model_id, recipes=(recipe,), threads=threads, batch=batch))
    return next((each.error for each in plan.candidates if each.error is not None), None)


def _add(model_id: str, recipe: Recipe) -> None:
    spelled = spell(recipe)
    st.session_state.setdefault(f"{OFFERED}{model_id}", {})[spelled] = recipe
    st.session_state[offer_key(model_id, spelled)] = True
    for part in ("steps", "text"):
        st.session_state[f"chain_{model_id}_{part}"] = [] if part == "steps" else ""
